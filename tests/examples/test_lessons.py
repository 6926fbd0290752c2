"""Every lesson shows what its script prints and draws today, and leads on."""

import re
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
import build_lessons as lessons  # noqa: E402

TEXT = {page: page.read_text(encoding="utf-8") for page in lessons.PAGES}
SCRIPTS = {page: lessons.scripts(text) for page, text in TEXT.items()}


def named(values):
    return [pytest.param(v, id=v.stem) for v in values]


def comparable(text):
    """Without what differs from machine to machine."""
    return [line for line in text.splitlines() if not line.endswith("(timed)")]


NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
# networks of PyTorch, whose last bits differ between processors: points and epochs
LOOSE = {"8-images.md": 6.0}


def close(a, b, by):
    """Whether two outputs have the same words, and numbers that differ by no more than `by`."""
    words = [NUMBER.sub("#", line).split() for text in (a, b) for line in [" ".join(text)]]
    pairs = zip(NUMBER.findall(" ".join(a)), NUMBER.findall(" ".join(b)), strict=False)
    return words[0] == words[1] and all(abs(float(x) - float(y)) <= by for x, y in pairs)


def alike(a, b, most=0.004):
    """Whether two pictures show the same: of one size, and equal but for the edges of letters."""
    return a.shape == b.shape and float(np.abs(a - b).mean()) < most


def test_there_is_a_page_for_each_lesson_and_a_script_for_each_page():
    assert [page.name.split("-")[0] for page in lessons.PAGES] == list("123456789")
    shown = sorted(script for scripts in SCRIPTS.values() for script in scripts)
    assert shown == sorted(f"examples/{p.name}" for p in (ROOT / "examples").glob("lesson_*.py"))


@pytest.mark.parametrize("page", named(lessons.PAGES))
def test_the_page_shows_what_its_script_prints_and_draws_now(page, tmp_path):
    drawn = {script: tmp_path / f"{Path(script).stem}.png" for script in SCRIPTS[page]}
    fresh = lessons.filled(TEXT[page], {s: lessons.run(s, path) for s, path in drawn.items()})
    by = LOOSE.get(page.name, 0.0)
    shown, now = comparable(TEXT[page]), comparable(fresh)
    assert shown == now or (by and close(shown, now, by)), f"stale: make lessons ({page.name})"
    for script, path in drawn.items():
        kept = lessons.figure_of(script)
        pictures = (matplotlib.image.imread(one) for one in (kept, path))
        assert alike(*pictures, most=0.03 if by else 0.004), f"stale: make lessons ({kept.name})"


@pytest.mark.parametrize("page", named(lessons.PAGES))
def test_the_page_has_its_figure_a_panel_and_its_script(page):
    text = TEXT[page]
    for script in SCRIPTS[page]:
        assert f"../images/lessons/{Path(script).stem}.png" in text
        assert f"../../{script}" in text
    panels = "activation|depth|dead|playground|results"
    assert re.search(rf"\]\(http://127\.0\.0\.1:\d+/#({panels})", text)


@pytest.mark.parametrize("script", named(sorted((ROOT / "examples").glob("lesson_*.py"))))
def test_a_lesson_is_under_eighty_lines_and_says_how_to_run_it(script):
    text = script.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 80
    assert f"Run: python examples/{script.name} [figure.png]" in text


def test_a_changed_output_and_a_changed_picture_are_noticed():
    page = "a\n<!-- python examples/x.py -->\n```text\n1\n2 (timed)\n```\n<!-- end -->\nb\n"
    same, other = (lessons.filled(page, {"examples/x.py": text}) for text in ("1\n9 (timed)", "3"))
    assert comparable(same) == comparable(page) != comparable(other)
    assert close(["rate 1.5 (2 to 3)"], ["rate 2 (2 to 5)"], 3.0)
    assert not close(["rate 1.5"], ["rate 5"], 3.0) and not close(["rate 1"], ["loss 1"], 3.0)
    blank, line = np.ones((50, 50, 4)), np.ones((50, 50, 4))
    line[10] = 0.0
    assert alike(blank, blank) and not alike(blank, line)
