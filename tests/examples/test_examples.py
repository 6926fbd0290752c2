"""Every script in examples/ runs as it stands, and stays short enough to read at a glance.

The scripts of the lessons have tests of their own: test_lessons.py.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(set(FOLDER.glob("*.py")) - set(FOLDER.glob("lesson_*.py")))


def test_there_are_examples():
    assert SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_example_runs_without_a_warning_and_prints(script, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_example_is_at_most_forty_lines_and_says_how_to_run_it(script):
    text = script.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40
    assert f"Run: python examples/{script.name}" in text
