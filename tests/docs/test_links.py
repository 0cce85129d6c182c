"""Links between the documents lead somewhere; those to other places of the net are not followed."""

from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, anchors, links


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_anchors(page):
    for target in links(page):
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), target
        assert found.is_relative_to(ROOT), target
        if anchor:
            assert found.suffix == ".md", target
            assert anchor in anchors(found), target


def test_every_page_is_reached_from_the_readme():
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        waiting += [
            Path(page.parent, t.partition("#")[0]).resolve() for t in links(page) if t[0] != "#"
        ]
    site_only = {ROOT / "docs" / name for name in ("index.md", "api.md", "contributing.md")}
    assert set(PAGES) - seen - site_only == set()


def test_the_readme_is_read_in_two_minutes():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 110
