"""`actscope cost`: its three questions in the terminal, its page, how it refuses."""

import json
import re

import pytest
from typer.testing import CliRunner

from actscope.cli import app

QUICK = ["--target", "0.8", "--lr-grid", "0.5", "--init-grid", "lecun", "--epochs", "40",
         "--max-width", "4", "--runtimes", "onnx", "--batches", "1,64", "--rounds", "3",
         "--points", "200", "--tests", "300"]  # fmt: skip


def run(*words, columns=80):
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(app, ["cost", *map(str, words)])


@pytest.mark.parametrize("columns", [80, 120])
def test_equal_accuracy(tmp_path, columns):
    out = tmp_path / "page"
    done = run("--activations", "tanh,x*sigmoid(1.7*x)", *QUICK, "--out", out, columns=columns)
    assert done.exit_code == 0, done.output
    assert all(
        len(line) <= columns for line in done.output.splitlines() if "index.html" not in line
    )
    assert "relu" in done.output and "2 × " in done.output and "batch 64" in done.output
    assert re.search(r"×\d\.\d\d \[\d", done.output)
    assert (out / "index.html").is_file() and (out / "accuracies.json").is_file()
    held = json.loads(run("--activations", "tanh", *QUICK, "--json", "--out", out).stdout)
    assert [row["activation"] for row in held["table"]] == ["relu", "tanh"]


def test_elementwise(tmp_path):
    done = run("--elementwise", "--activations", "relu,tanh", "--elements", "1e3,2e3",
               "--rounds", "2", "--out", tmp_path / "e")  # fmt: skip
    assert done.exit_code == 0, done.output
    for library in ("NumPy", "PyTorch", "ONNX Runtime", "engine", "copy"):
        assert library in done.output
    assert (tmp_path / "e" / "by_size.png").is_file()


def test_a_model(tmp_path, monkeypatch):
    (tmp_path / "made.py").write_text(
        "from torch import nn\n"
        "def net():\n"
        "    return nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 2))\n"
    )
    monkeypatch.chdir(tmp_path)
    done = run("made:net", "--shape", "16x4", "--activations", "relu", "--rounds", "3",
               "--out", tmp_path / "m")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "Sequential: a forward pass takes" in done.output and "gelu" in done.output
    assert (tmp_path / "m" / "changes.png").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "mons"], "unknown data set 'mons': did you mean 'moons'?"),
        (["--target", "1.5"], "target = 1.5: expected a test accuracy above 0, at most 1"),
        (["--target", "0.99"], "more than any classifier reaches on moons"),
        (["--seeds", "20"], "seeds = 20"),
        (["--depth", "two"], "--depth: 'two': expected numbers with commas"),
        (["--batches", "1.5"], "--batches: '1.5': expected whole numbers"),
        (["--lr-grid", "0.1,,1"], "expected numbers with commas"),
        (["--init-grid", "hee"], "did you mean 'he'"),
        (["--runtimes", "tensorrt"], "unknown runtime 'tensorrt'"),
        (["no_such:net"], "no module 'no_such'"),
        (["a:b", "--elementwise"], "two questions"),
    ],
)
def test_what_cannot_be(words, message):
    done = run(*words)
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())
