"""Every command block of the README and the site runs, at a tiny size; a marker says why one does not."""

import pytest

from tests.docs.pages import PAGES, ROOT, blocks
from tests.docs.tiny import World

LANGUAGES = {"sh", "python", "yaml", "text"}
COMMANDS = ("make ", "modular-cls ", "pip ", "python ", "git ", "curl ")
RUN = [page for page in PAGES if any(b.language in LANGUAGES - {"text"} for b in blocks(page))]


def name(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_command_hides(page):
    for block in blocks(page):
        assert block.language in LANGUAGES or block.language.startswith("{"), block.text
        if block.language == "text":
            hidden = [line for line in block.text.splitlines() if line.startswith(COMMANDS)]
            assert hidden == []


@pytest.mark.parametrize("page", RUN, ids=name)
def test_the_blocks_of_a_page_run_in_order(page, tmp_path, monkeypatch, faces_dir, pretrained_dir):
    told = [block for block in blocks(page) if not block.skipped]
    if not told:
        pytest.skip("; ".join(dict.fromkeys(block.skipped for block in blocks(page))))
    monkeypatch.chdir(tmp_path)
    world, names = World(tmp_path, faces_dir, pretrained_dir), {}
    world.prepare(page.name)
    for block in told:
        world.run(block, names)
