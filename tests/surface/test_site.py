"""The docs site builds, its reference shows every public name, and every link on it leads on."""

import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

import actscope

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
import build_site  # noqa: E402

HOME = "http://site/"


def test_the_reference_names_every_public_name():
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^::: actscope\.(\w+)$", text, re.M)) == sorted(actscope.__all__)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built beside a copy of the pages, so that nothing is left in the repository."""
    folder = tmp_path_factory.mktemp("site")
    for name in ("docs", "src", "examples"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "mkdocs.yml", folder)
    return build_site.build(folder)


class Links(HTMLParser):
    """What a page links to and loads, and the anchors that it has."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.anchors = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        held = dict(attributes)
        self.anchors.add(held.get("id"))
        self.targets += [held[name] for name in ("href", "src") if held.get(name)]


def lost(pages, files):
    """The links that lead nowhere: (page, target) of pages by name, with the files there are."""
    for name, page in pages.items():
        for target in page.targets:
            url = urlsplit(urljoin(HOME + name, target))
            if url.netloc != "site":
                continue
            place = unquote(url.path).lstrip("/")
            place += "index.html" if place.endswith("/") or not place else ""
            anchor = unquote(url.fragment)
            known = place in files and (not anchor or place not in pages)
            if not known and not (place in pages and anchor in pages[place].anchors):
                yield name, target


def test_every_link_and_anchor_leads_somewhere(site):
    files = {path.relative_to(site).as_posix() for path in site.rglob("*")}
    pages = {f: Links((site / f).read_text("utf8")) for f in files if f.endswith(".html")}
    assert len(pages) > 40
    del pages["404.html"]
    assert list(lost(pages, files)) == []
    assert "examples/lesson_1_at_a_glance.py" in files


def test_a_link_that_leads_nowhere_is_noticed():
    page = Links('<a href="b/">b</a><a href="#here">x</a><img src="no.png"><p id="there">')
    assert list(lost({"index.html": page}, {"index.html", "b/index.html"})) == [
        ("index.html", "#here"),
        ("index.html", "no.png"),
    ]


def test_no_page_loads_anything_from_elsewhere(site):
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="(https?://[^"]+)"', text)
        assert [url for url in loaded if "canonical" not in url] == [], path


def test_no_formula_has_become_italics(site):
    """A star of a formula is no emphasis."""
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for words in re.findall(r"<em>([^<]*)</em>", text):
            assert not re.search(r"\(\d|[=)]\s*,|^,", words), f"{path}: {words}"


def test_every_page_is_on_the_site(site):
    for page in (ROOT / "docs").rglob("*.md"):
        place = page.relative_to(ROOT / "docs").with_suffix("")
        folder = place.parent if place.name in ("index", "README") else place
        assert (site / folder / "index.html").exists(), page


def test_examples_are_shown_as_code(site):
    text = (site / "reference" / "index.html").read_text(encoding="utf-8")
    for name in actscope.__all__:
        assert f'id="actscope.{name}"' in text, name
    assert "doc-module" not in text, "a name is shown as the module of that name"
    assert text.count('class="gp"') > 50 and "&gt;&gt;&gt; dead_units" not in text
