"""The page in a real browser: what a person sees, clicks and moves."""

import json
import socket
import threading
import time

import pytest

from modular_cls import Predictor
from modular_cls.demo.app import serve
from tests.demo.browser import PATH, Browser

pytestmark = pytest.mark.skipif(PATH is None, reason="needs a browser: chromium or chrome")
ANSWERED = "document.querySelectorAll('#runs .number:not(:empty)').length === 16"
SHARE = "document.querySelectorAll('#runs table')[{table}].querySelectorAll('.number')[{row}].textContent"


@pytest.fixture(scope="module")
def address(run_dirs):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    threading.Thread(target=serve, args=(run_dirs, "127.0.0.1", port), daemon=True).start()
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.05)
    return f"http://127.0.0.1:{port}/"


@pytest.fixture
def page(address, tmp_path):
    with Browser(tmp_path) as browser:
        browser.open(address)
        browser.wait_for(ANSWERED)
        yield browser
        assert browser.messages == []


def shares(page, table, rows):
    return [
        float(page.evaluate(SHARE.format(table=table, row=row)).removesuffix(" %"))
        for row in range(rows)
    ]


def test_a_person_sees_what_the_predictor_says_and_can_intervene(page, run_dirs, faces_dir):
    first = page.evaluate("about.examples[0]")
    picture = min((faces_dir / "test").glob(f"{first}_*.png"))
    predictor = Predictor.load(run_dirs[0])
    expected = predictor([picture]).probabilities
    assert shares(page, 0, 2) == pytest.approx(100 * expected["hair"][0], abs=0.06)
    assert shares(page, 2, 4) == pytest.approx(100 * expected["hair_gender"][0], abs=0.06)
    assert page.evaluate("document.getElementById('truth').textContent") == f"Labelled {first}."
    before = page.evaluate("document.querySelector('#runs .number').textContent")
    page.evaluate("""(() => {
        const slider = document.querySelector('#sliders input[data-value=male]');
        slider.value = 5;
        slider.dispatchEvent(new Event('input'));
    })()""")
    page.wait_for(f"document.querySelector('#runs .number').textContent !== '{before}'")
    told = predictor(
        [picture], given={"gender": {"female": 1, "male": 2.718281828**5}}
    ).probabilities
    assert shares(page, 2, 4) == pytest.approx(100 * told["hair_gender"][0], abs=0.06)
    page.evaluate("document.getElementById('reset').click()")
    page.wait_for(f"document.querySelector('#runs .number').textContent === '{before}'")


def test_maps_are_drawn_where_asked(page):
    opaque = """(() => {
        const canvas = document.querySelector('#runs canvas');
        const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        return [canvas.width, Math.max(...pixels.filter((_, i) => i % 4 === 3))];
    })()"""
    for output in page.evaluate("Object.keys(about.outputs)"):
        page.evaluate(
            f"[...document.querySelectorAll('#maps label')].find(l => l.textContent.trim() === '{output}').click()"
        )
        strongest = page.evaluate(f"Math.max(...answers[0].maps['{output}'].values.flat())")
        assert page.evaluate(opaque) == [4, pytest.approx(190 * strongest, abs=1)]
    page.evaluate("document.querySelector('#maps label:last-of-type').click()")
    assert page.evaluate(opaque) == [1, 0]


def test_a_file_that_is_no_picture_is_told_and_the_next_one_is_shown(page):
    drop = """(bytes) => {
        const files = new DataTransfer();
        files.items.add(new File([bytes], 'mine.png'));
        document.dispatchEvent(new DragEvent('drop', {dataTransfer: files, bubbles: true, cancelable: true}));
    }"""
    page.evaluate(f"({drop})('no picture')")
    page.wait_for(
        "document.getElementById('problem').textContent.includes('not a picture that can be read')"
    )
    page.messages.clear()  # the browser notes the refusal
    page.evaluate(f"fetch('examples/3').then(r => r.blob()).then({drop})")
    page.wait_for("document.getElementById('problem').textContent === ''")
    page.evaluate(f"({drop})(new Uint8Array(10_000_001))")
    page.wait_for(
        "document.getElementById('problem').textContent === 'This picture is over 10 MB.'"
    )


def test_every_control_has_a_name(page):
    page.call("Accessibility.enable")
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "slider", "radio", "image", "checkbox")
    controls = [n for n in nodes if n.get("role", {}).get("value") in roles and not n["ignored"]]
    assert len(controls) >= 8 + 2 + 4 + 2
    assert [n for n in controls if not n.get("name", {}).get("value")] == []


def test_it_says_how_far_its_percentages_can_be_believed(page, run_dirs):
    told = page.evaluate("[...document.querySelectorAll('.sure')].map(p => p.textContent)")
    for text, folder in zip(told, run_dirs, strict=True):
        tested = json.loads((folder / "metrics.json").read_text())["test"]["hair_gender"]
        points = f"{100 * tested['ece']:.1f} points ({sum(tested['support'].values())} pictures)"
        assert f"hair_gender by {points}" in text
    shown = page.evaluate("[1 - 1e-9, 1e-9, 0, 0.5].map(percent)")
    assert shown == ["> 99.9 %", "< 0.1 %", "0.0 %", "50.0 %"]


def test_it_can_be_used_by_keyboard_and_heard(page):
    def press(key, code):
        for kind in ("keyDown", "keyUp"):
            page.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code)

    page.evaluate("document.querySelectorAll('#examples button')[2].focus()")
    press(" ", 32)
    page.wait_for("document.querySelectorAll('#examples button')[2].ariaPressed === 'true'")
    page.evaluate("document.querySelector('#sliders input').focus()")
    before = page.evaluate("document.getElementById('said').textContent")
    press("End", 35)
    page.wait_for(f"document.getElementById('said').textContent !== {json.dumps(before)}")
    assert page.evaluate("document.querySelector('#sliders input').ariaValueText").startswith(
        "long"
    )


@pytest.mark.parametrize(("width", "dark"), [(320, False), (390, True), (1180, False)])
def test_nothing_runs_over_the_side(address, tmp_path, width, dark):
    with Browser(tmp_path, (width, 800), dark) as page:
        page.open(address)
        page.wait_for(ANSWERED)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        brightness = page.evaluate(
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        )
        assert (max(brightness) < 100) == dark
