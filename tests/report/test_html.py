"""report.html: one file, what it holds, and how it behaves in a browser."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from modular_cls import Predictor, load_config, train
from modular_cls.report.html import write_html
from modular_cls.report.page import write_report
from tests.demo.browser import PATH, Browser

DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


class Tags(HTMLParser):
    """All tags with their attributes, and the text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def compared(faces_dir, tmp_path_factory):
    """Two runs that hardly learned, so that the rare class is missed, and their report."""
    out = tmp_path_factory.mktemp("compared")
    for method in ("modular", "flat"):
        config = load_config(f"configs/{method}.yaml", data__manifest=faces_dir / "manifest.csv", data__workers=0,
                             data__image_size=32, training__updates=6, training__validate_every=0,
                             data__scarcity__keep=0)  # fmt: skip
        train(config, out / method, progress=False)
    write_report([out / "modular", out / "flat"], out / "page")
    return out


@pytest.fixture(scope="module")
def page(compared):
    return (compared / "page" / "report.html").read_text(encoding="utf-8")


def test_it_is_one_file_that_asks_for_nothing(page):
    found = Tags(page)
    assert found.all("img")
    assert all(image["src"].startswith("data:") and image["alt"] for image in found.all("img"))
    assert [a for a in found.all("script") if "src" in a] == []
    assert [a["href"] for a in found.all("link")] == ["data:,"]
    assert "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page


def test_it_holds_the_tables_of_the_page(page, compared):
    markdown = (compared / "page" / "report.md").read_text(encoding="utf-8")
    tables = len(re.findall(r"^\|---", markdown, re.MULTILINE))
    assert len(Tags(page).all("thead")) == tables > 2
    cells = [
        c.strip()
        for line in markdown.splitlines()
        if line.startswith("| ")
        for c in line.split("|")
    ]
    text = " ".join(Tags(page).text)
    assert all(cell.replace("\\", "").replace("`", "") in text for cell in cells)


def test_missed_pictures_have_what_the_runs_say_of_them(page, compared, faces_dir):
    (sheet,) = json.loads(DATA.search(page)[1])
    assert sheet["why"] == ""
    assert 1 <= len(sheet["cards"]) <= 6  # of six rare test pictures
    predictors = [Predictor.load(compared / name) for name in ("modular", "flat")]
    for card in sheet["cards"]:
        assert card["true"] == "long_haired_man" != card["mistaken_for"]
        for answer, predictor in zip(card["answers"], predictors, strict=True):
            expected = predictor([faces_dir / card["path"]]).probabilities["hair_gender"][0]
            np.testing.assert_allclose(answer["probabilities"]["hair_gender"], expected, atol=1e-5)
        assert np.max(card["answers"][0]["maps"]["hair_gender"]["values"]) <= 1


def test_runs_that_cannot_be_loaded_say_why(write_run, tmp_path):
    write_run()
    write_report([write_run.root], tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    (sheet,) = json.loads(DATA.search(page)[1])
    assert sheet["cards"] == []
    assert "modular_k0_seed0" in sheet["why"]


def test_text_of_runs_is_text_in_the_page(tmp_path):
    markdown = "| a |\n|---|\n| <img src=x onerror=alert(1)> {{sheets}} |\n"
    write_html(tmp_path / "r.html", markdown, [])
    page = (tmp_path / "r.html").read_text()
    assert "<img src=x" not in page
    assert page.count("{{sheets}}") == 1


@pytest.mark.skipif(PATH is None, reason="needs a browser: chromium or chrome")
@pytest.mark.parametrize(("width", "dark"), [(390, True), (1180, False)])
def test_in_a_browser(compared, tmp_path, width, dark):
    with Browser(tmp_path, (width, 800), dark) as browser:
        browser.open(f"file://{compared}/page/report.html")
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        table = "document.querySelector('main table')"
        column = f"[...{table}.tBodies[0].rows].map(r => value(r.cells[4].textContent))"
        header = f"{table}.tHead.rows[0].cells[4]"
        before = browser.evaluate(column)
        browser.evaluate(f"{header}.querySelector('button').click()")
        assert browser.evaluate(column) == sorted(before)
        browser.evaluate(f"{header}.querySelector('button').click()")
        assert browser.evaluate(column) == sorted(before, reverse=True)
        assert browser.evaluate(f"{header}.ariaSort") == "descending"
        browser.evaluate("document.querySelector('.sheet button').click()")
        assert browser.evaluate("document.getElementById('opened').open")
        shown = "[...document.querySelectorAll('#opened section h3')].map(h => h.textContent)"
        assert browser.evaluate(shown) == ["modular", "flat"]
        share = "sheets[0].cards[number].answers[0].probabilities.hair_gender[0]"
        texts = "[...document.querySelectorAll('#opened section')[0].querySelectorAll('.number')].map(n => n.textContent)"
        assert f"{100 * browser.evaluate(share):.1f} %" in browser.evaluate(texts)
        first = browser.evaluate("document.getElementById('told').textContent")
        browser.evaluate("document.getElementById('next').click()")
        count = browser.evaluate("sheets[0].cards.length")
        assert (browser.evaluate("document.getElementById('told').textContent") != first) == (
            count > 1
        )
        brightness = browser.evaluate(
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        )
        assert (max(brightness) < 100) == dark
        assert browser.messages == []
