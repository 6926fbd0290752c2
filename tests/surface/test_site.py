"""The docs site builds, and its reference shows every public name."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import actscope

ROOT = Path(__file__).parents[2]


def test_the_reference_names_every_public_name():
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^::: actscope\.(\w+)$", text, re.M)) == sorted(actscope.__all__)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built beside a copy of the pages, so that nothing is left in the repository."""
    folder = tmp_path_factory.mktemp("site")
    for name in ("docs", "src"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "mkdocs.yml", folder)
    zensical = Path(sys.executable).parent / "zensical"
    done = subprocess.run([zensical, "build"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def test_every_page_is_on_the_site(site):
    for page in (ROOT / "docs").rglob("*.md"):
        place = page.relative_to(ROOT / "docs").with_suffix("")
        folder = place.parent if place.name in ("index", "README") else place
        assert (site / folder / "index.html").exists(), page


def test_examples_are_shown_as_code(site):
    text = (site / "reference" / "index.html").read_text(encoding="utf-8")
    for name in actscope.__all__:
        assert f'id="actscope.{name}"' in text, name
    assert text.count('class="gp"') > 50 and "&gt;&gt;&gt; dead_units" not in text
