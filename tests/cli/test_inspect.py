"""`actscope inspect` on files of every kind, and on what is no such file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from typer.testing import CliRunner  # noqa: E402

from actscope.cli._group import app  # noqa: E402

MODELS = """
from torch import nn

def dead():
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
    model[0].bias.data[:8] = -100.0
    return model

class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.out = nn.Embedding(11, 8), nn.Linear(8, 4)
    def forward(self, ids, scale):
        return self.out(self.table(ids).relu() * scale)

text = "no model"
"""


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "cli_models.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "cli_models", raising=False)
    return tmp_path


def run(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["inspect", *args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_random_data_and_fail_on(there: Path) -> None:
    code, text = run("cli_models:dead", "--shape", "64x6", "--fail-on", "error")
    assert code == 1
    assert "ACT101" in text
    assert run("cli_models:dead", "--shape", "64x6", "--fail-on", "ACT2")[0] == 0
    assert (
        run("cli_models:dead", "--shape", "64x6", "--ignore", "ACT1", "--fail-on", "info")[0] == 0
    )
    (there / "pyproject.toml").write_text('[tool.actscope.inspect]\nignore = ["ACT101"]\n')
    assert run("cli_models:dead", "--shape", "64x6", "--fail-on", "info")[0] == 0


def test_data_files_and_labels(there: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(90, 6)).astype(np.float32), rng.integers(0, 3, 90)
    np.savez("a.npz", x=x, labels=y)
    np.savez("b.npz", ids=rng.integers(0, 11, (4, 5)), scale=np.ones(1, np.float32))
    np.save("y.npy", y)
    torch.save({"x": torch.as_tensor(x)}, "x.pt")
    for data, labels in (("a.npz", ()), ("x.pt", ("--labels", "y.npy"))):
        code, text = run(
            "cli_models:dead",
            "--data",
            data,
            *labels,
            "--loss",
            "cross_entropy",
            "--format",
            "json",
        )
        row = json.loads(text)["sites"]["1"]
        assert code == 0
        assert row["gradient"] > 0
        assert 0.2 < row["probe"] < 0.6
    code, text = run("cli_models:Words", "--data", "b.npz", "--format", "csv")
    assert code == 0
    assert ":relu," in text


def test_outputs_are_written_whole(there: Path) -> None:
    for form, start in (("html", "<!"), ("sarif", "{"), ("json", "{"), ("csv", "site,")):
        code, _ = run("cli_models:dead", "--shape", "64x6", "--out", f"o.{form}")
        assert code == 0
        text = Path(f"o.{form}").read_text("utf8")
        assert text.lower().startswith(start)
    page = Path("o.html").read_text("utf8")
    assert "ACT101" in page
    assert page.count("<svg") == 3
    assert "https://" not in page.replace("https://www.w3.org", "")


def test_exported_programs_and_torchscript(there: Path) -> None:
    model = torch.nn.Sequential(
        torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)
    ).eval()
    torch.export.save(torch.export.export(model, (torch.randn(4, 6),)), "model.pt2")
    code, text = run("model.pt2", "--shape", "4x6", "--format", "json")
    assert code == 0
    assert list(json.loads(text)["sites"]) == [":relu"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_is_opaque(there: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU()).eval()
    torch.jit.trace(model, torch.randn(4, 6)).save("model.pt")
    code, text = run("model.pt", "--shape", "4x6", "--format", "json")
    assert code == 0
    assert json.loads(text)["opaque"][0]["what"] == "a scripted body"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("nowhere:net",), "no module 'nowhere'"),
        (("cli_models:none",), "expected the name of a model"),
        (("cli_models:text",), "expected a torch.nn.Module"),
        (("cli_models",), "expected pkg.module:factory"),
        (("cli_models:dead",), "need --shape"),
        (("cli_models:dead", "--shape", "6xx"), "whole numbers"),
        (("cli_models:dead", "--data", "none.npz"), "no such file"),
        (("cli_models:dead", "--data", "cli_models.py"), "expected one of .npz"),
        (("cli_models:dead", "--shape", "4x6", "--format", "xml"), "expected one of table"),
        (("cli_models:dead", "--shape", "4x6", "--fail-on", "dead"), "did you mean"),
        (("cli_models:dead", "--shape", "4x6", "--threshold", "a"), "expected rule.threshold"),
        (("cli_models:dead", "--shape", "4x6", "--loss", "mse"), "without labels"),
        (("cli_models.py",), "neither TorchScript nor"),
        ((".",), "no config.json"),
    ],
)
def test_what_is_wrong_is_said(there: Path, args: tuple[str, ...], words: str) -> None:
    code, text = run(*args)
    assert code == 2
    assert words in text.replace("\n", " ")


def test_without_torch_it_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('not here')\n")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    code = "import actscope.cli as c, sys; sys.argv = ['actscope', 'inspect', 'a:b']; c.main()"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install 'actscope[torch]'" in done.stderr
