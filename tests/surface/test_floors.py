"""docs/floors.md shows the floors that import-linter keeps."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "actscope"


def test_the_page_shows_the_floors_of_the_contract():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [contract] = project["tool"]["importlinter"]["contracts"]
    kept = [set(re.split(r" [|:] ", layer)) for layer in contract["layers"]]
    text = (ROOT / "docs" / "floors.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| (\d+) \| ([^|]*) \|", text, re.M)
    assert [int(floor) for floor, _ in shown] == list(range(len(kept), 0, -1))
    names = [set(re.findall(r"`([\w.]+?)(?:/|\.py)?`", cell)) for _, cell in shown]
    assert names == kept
    for cell in (cell for _, cell in shown):
        for name in re.findall(r"`([\w./]+)`", cell):
            assert (SOURCE / name).exists(), name
