"""Rules: every one has a page and can speak, be chosen, be left out and be moved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from actscope.errors import InputError, UnknownName
from actscope.probe import inspect
from actscope.probe.findings import fails, settings_from
from actscope.probe.pages import pages
from actscope.probe.rules import SHELF

DOCS = Path(__file__).parents[2] / "docs" / "findings"


def dead(part: int = 8) -> nn.Module:
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
    with torch.no_grad():
        model[0].bias[:part] = -100.0
    return model


def codes(report) -> list[str]:
    return [f.code for f in report.findings]


def test_codes_and_names_are_unique_and_documented() -> None:
    rules = list(SHELF)
    assert len({r.code for r in rules}) == len(rules) >= 20
    for rule in rules:
        assert rule.severity in {"info", "warning", "error"}
        assert rule.cause
        assert rule.todo


def test_pages_are_up_to_date() -> None:
    """Run `python -m actscope.probe.pages docs/findings` after changing a rule."""
    assert {p.name: p.read_text("utf8") for p in DOCS.glob("*.md")} == pages()


def test_select_ignore_and_thresholds() -> None:
    model, x = dead(), torch.randn(64, 6)
    assert codes(inspect(model, x)) == ["ACT101"]
    assert codes(inspect(model, x, select=["ACT2"])) == []
    assert codes(inspect(model, x, select=["ACT1"])) == ["ACT101"]
    assert codes(inspect(model, x, ignore=["dead_units"])) == []
    assert codes(inspect(model, x, ignore=["ACT101@1"])) == []
    assert codes(inspect(model, x, ignore=["ACT101@other*"])) == ["ACT101"]
    high = {"dead_units.fraction": 0.5, "ACT101.deeply": 0.5}
    assert codes(inspect(model, x, thresholds=high)) == []


def test_fail_on() -> None:
    findings = inspect(dead(), torch.randn(64, 6)).findings
    for word in ("error", "warning", "info", "ACT101", "ACT1", "dead_units"):
        assert fails(findings, [word])
    assert not fails(findings, ["ACT2", "saturation"])
    assert not fails((), ["info"])
    with pytest.raises(
        UnknownName, match="unknown severity or rule 'errors': did you mean 'error'"
    ):
        fails(findings, ["errors"])


def test_settings_from_pyproject(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    assert settings_from(path).select == ()
    path.write_text(
        '[tool.actscope.inspect]\nignore = ["ACT3"]\nthresholds = {"dead_units.fraction" = 0.1}\n'
    )
    assert settings_from(path).ignore == ("ACT3",)
    assert settings_from(path).thresholds == {"dead_units.fraction": 0.1}
    for text in ("[tool.actscope.inspect]\nx = 1", "[tool.actscope.inspect]\nselect = 1", "[["):
        path.write_text(text)
        with pytest.raises(InputError, match=r"pyproject\.toml"):
            settings_from(path)


def test_json_table_html_and_text_say_the_same() -> None:
    report = inspect(dead(), torch.randn(64, 6))
    held = json.loads(report.to_json())
    assert held["sites"]["1"]["dead"] == report.table.loc["1", "dead"] == 8
    assert held["sites"]["1"]["gradient"] is None
    assert held["findings"][0]["code"] == "ACT101"
    for text in (report.summary(100), report.summary(60), report._repr_html_(), str(report)):
        assert "ACT101" in text
        assert "relu" in text
        assert "likely cause" in text or "bias" in text


def test_long_names_leave_room_for_numbers() -> None:
    """A narrow terminal folds the names of sites before it drops the numbers."""
    model = nn.Sequential()
    model.add_module("encoder", nn.Sequential(nn.Linear(6, 32)))
    model.encoder.add_module("intermediate_activation_function_of_the_layer", nn.ReLU())
    model.encoder[0].bias.data[:8] = -100.0
    text = inspect(model, torch.randn(64, 6)).summary(80)
    assert max(map(len, text.splitlines())) <= 80
    for heading in ("site", "units", "dead", "sat.", "outputs"):
        assert heading in text.splitlines()[2]


def test_html_escapes_names() -> None:
    model = nn.Sequential()
    model.add_module("<b>", nn.ReLU())
    html = inspect(model, torch.randn(4, 3))._repr_html_()
    assert "<b>:" not in html
    assert "&lt;b&gt;" in html
