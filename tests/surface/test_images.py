"""Every picture of the docs is shown on a page and made by a command of the repository."""

import re
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
import build_images as images  # noqa: E402
import build_lessons as lessons  # noqa: E402

PAGES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
PICTURES = sorted(images.FOLDER.rglob("*.png"))
SHOWN = {
    (page.parent / target).resolve()
    for page in PAGES
    for target in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
}
MADE = {
    *(images.FOLDER / name for name in (*images.COMMANDS, *images.SCREENS, *images.ELSEWHERE)),
    *(lessons.figure_of(script) for page in lessons.PAGES
      for script in lessons.scripts(page.read_text(encoding="utf-8"))),
}  # fmt: skip


def test_every_picture_is_shown_and_made():
    assert set(PICTURES) == SHOWN == MADE


def test_every_picture_of_a_page_says_in_words_what_it_shows():
    for page in PAGES:
        for words in re.findall(r"!\[([^\]]*)\]\(", page.read_text(encoding="utf-8")):
            assert len(words.split()) > 3, f"{page.name}: {words!r}"


@pytest.mark.parametrize(("name", "script"), images.ELSEWHERE.items())
def test_what_another_script_makes_is_named_there(name, script):
    assert name in (ROOT / script).read_text(encoding="utf-8")


def test_the_first_picture_is_what_its_command_draws_now(tmp_path):
    """The others take minutes, or a browser."""
    images.draw("decision_boundaries.png", tmp_path / "now.png")
    kept = matplotlib.image.imread(images.FOLDER / "decision_boundaries.png")
    now = matplotlib.image.imread(tmp_path / "now.png")
    assert kept.shape == now.shape and float(np.abs(kept - now).mean()) < 0.004
