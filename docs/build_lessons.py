"""Run the script of every lesson: its output goes into the lesson's page, its figure beside it.

A page of docs/lessons/ holds the line `<!-- python examples/NAME.py -->`; what stands between it
and the next `<!-- end -->` is what that script printed. A table in Markdown stays one, anything
else is fenced. A line that ends in `(timed)` differs from machine to machine and from run to run.

Run: python docs/build_lessons.py [NUMBER …]   (all lessons by default; `make lessons`)
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "lessons").glob("[0-9]*.md"))
FIGURES = ROOT / "docs" / "images" / "lessons"
PLACE = re.compile(
    r"(?P<head><!-- python (?P<script>examples/\w+\.py) -->\n).*?(?P<tail><!-- end -->)", re.S
)


def run(script: str, figure: Path) -> str:
    """What a lesson's script prints; it draws its figure to `figure`."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / script), str(figure)],
        cwd=figure.parent,
        env={**os.environ, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1", "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{script} failed:\n{done.stderr}")
    return done.stdout


def shown(output: str) -> str:
    """An output as it stands on the page."""
    text = output.strip("\n")
    return f"{text}\n" if text.startswith("|") else f"```text\n{text}\n```\n"


def scripts(page: str) -> list[str]:
    """The scripts that a page shows the output of."""
    return [found["script"] for found in PLACE.finditer(page)]


def filled(page: str, outputs: dict[str, str]) -> str:
    """The page with the outputs in their places."""
    return PLACE.sub(
        lambda place: place["head"] + shown(outputs[place["script"]]) + place["tail"], page
    )


def figure_of(script: str) -> Path:
    """Where the figure of a script lies."""
    return FIGURES / f"{Path(script).stem}.png"


def main(chosen: list[str]) -> None:
    """Write the chosen pages anew."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    for path in PAGES:
        if chosen and path.name.split("-")[0] not in chosen:
            continue
        page = path.read_text(encoding="utf-8")
        outputs = {script: run(script, figure_of(script)) for script in scripts(page)}
        path.write_text(filled(page, outputs), encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])
