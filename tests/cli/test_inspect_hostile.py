"""`actscope inspect` on what goes wrong: one clear error, exit code 2. And --try, end to end."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from typer.testing import CliRunner  # noqa: E402

from actscope.cli._group import app  # noqa: E402

MODELS = """
import sys
import torch
import torch.nn.functional as F
from torch import nn

print("a greeting")

def net():
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))

def dead():
    model = net()
    model[0].bias.data[:8] = -100.0
    return model

def wide(width, *, depth):
    return net()

def broken():
    raise KeyError("no such layer")

def leaves():
    sys.exit(3)

def fine(model, batches, steps):
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(steps):
        for x, y in batches:
            optimiser.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimiser.step()

def fails(model, batches, steps):
    raise RuntimeError("out of ideas")
"""


class Code:
    """What a pickle runs when it is read."""

    def __reduce__(self):
        return (Path.touch, (Path("ran"),))


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("hostile.py").write_text(MODELS)
    Path("half.py").write_text("import\n")
    Path("raises.py").write_text("raise OSError('no licence')\n")
    Path("lacks.py").write_text("import no_such_package\n")
    for name in ("hostile", "half", "raises", "lacks"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 6)).astype(np.float32), rng.integers(0, 3, 30)
    np.savez("good.npz", x=x, labels=y)
    np.savez("only_labels.npz", labels=y)
    np.savez("other_key.npz", x=x, z=x)
    np.savez("text.npz", x=np.array(["a", "b"]))
    np.savez("objects.npz", x=np.array([{}, []], dtype=object))
    np.savez("short.npz", x=x, labels=y[:7])
    Path("code.pt").write_bytes(pickle.dumps(Code()))
    torch.save({"x": Code()}, "code2.pt")
    torch.save([], "empty.pt")
    torch.save((torch.as_tensor(x), torch.as_tensor(y)), "pair.pt")
    torch.save({"x": "words"}, "words.pt")
    Path("cut.safetensors").write_bytes(b"\x00\x01")
    for folder, text in (("cut", '{"model_type": '), ("odd", '{"model_type": "no_such"}')):
        Path(folder).mkdir()
        Path(folder, "config.json").write_text(text)
    Path("pickled").mkdir()
    Path("pickled", "config.json").write_text('{"model_type": "bert"}')
    Path("pickled", "pytorch_model.bin").write_bytes(pickle.dumps(Code()))
    Path("code.pt2").write_bytes(pickle.dumps(Code()))
    return tmp_path


def run(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["inspect", *args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output.replace("\n", " ")


NET = ("hostile:net", "--shape", "8x6")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("hostile:wide",), "needs arguments (width, depth)"),
        (("hostile:broken",), "raised KeyError: 'no such layer' (hostile.py, line"),
        (("hostile:leaves",), "raised SystemExit: 3"),
        (("half:net",), "importing it raised SyntaxError"),
        (("raises:net",), "importing it raised OSError: no licence (raises.py, line 1)"),
        (("lacks:net",), "No module named 'no_such_package'"),
        (("hostile.py",), "hostile:factory"),
        (("code.pt",), "neither TorchScript nor an exported program"),
        (("code.pt2",), "no exported program"),
        (("cut",), "no Hugging Face model could be made"),
        (("odd",), "no Hugging Face model could be made"),
        (("pickled",), "a pickle (.bin)"),
        (("hostile:net", "--shape", "8x7"), "its forward raised RuntimeError"),
        (("hostile:net", "--shape", "99999x99999"), "numbers at most"),
        (("hostile:net", "--data", "other_key.npz"), "x: float32 of shape 30×6"),
        (("hostile:net", "--data", "only_labels.npz"), "no array but labels"),
        (("hostile:net", "--data", "text.npz"), "expected numbers"),
        (("hostile:net", "--data", "objects.npz"), "pickled Python objects"),
        (("hostile:net", "--data", "code.pt"), "cannot be read as .pt"),
        (("hostile:net", "--data", "code2.pt"), "pickled Python objects"),
        (("hostile:net", "--data", "empty.pt"), "expected at least one array"),
        (("hostile:net", "--data", "words.pt"), "expected numbers"),
        (("hostile:net", "--data", "pair.pt"), "labels go to --labels"),
        (("hostile:net", "--data", "cut.safetensors"), "cannot be read as .safetensors"),
        (("hostile:net", "--data", "short.npz", "--loss", "cross_entropy"), "the loss raised"),
        ((*NET, "--steps", "3"), "--steps goes with --try"),
        ((*NET, "--try", "gelu", "--steps", "3"), "needs --train"),
        ((*NET, "--try", "gelu", "--train", "hostile:fine"), "steps of at least 1"),
        ((*NET, "--try", "gellu"), "did you mean 'gelu'"),
        ((*NET, "--try", "gelu", "--reinit", "he"), "expected critical or keep"),
        (
            (*NET, "--try", "gelu", "--train", "hostile:fails", "--steps", "1"),
            "'fails' raised RuntimeError: out of ideas (hostile.py",
        ),
    ],
)
def test_one_clear_error(there: Path, args: tuple[str, ...], words: str) -> None:
    code, text = run(*args)
    assert code == 2, text
    assert text.count("error:") == 1
    assert words in text
    assert not Path("ran").exists()


def test_swaps_are_in_every_output(there: Path) -> None:
    asked = ("hostile:net", "--data", "good.npz", "--loss", "cross_entropy", "--try", "gelu",
             "--train", "hostile:fine", "--steps", "2", "--seeds", "2")  # fmt: skip
    code, text = run(*asked)
    assert code == 0
    assert "after 2 steps" in text
    assert run(*asked, "--format", "json", "--out", "o.json")[0] == 0
    tried = json.loads(Path("o.json").read_text())["tried"]
    assert list(tried["rows"]) == ["as it is (relu)", "gelu"]
    assert tried["seeds"] == [0, 1]
    assert tried["rows"]["gelu"]["loss_after"] < tried["rows"]["gelu"]["loss"]
    assert run(*asked, "--format", "html", "--out", "o.html")[0] == 0
    assert "Swaps tried" in Path("o.html").read_text("utf8")


def test_what_the_users_code_prints_is_not_in_the_report(there: Path) -> None:
    result = CliRunner().invoke(app, ["inspect", *NET, "--format", "json"])
    assert json.loads(result.stdout)["model"] == "Sequential"
    assert "a greeting" in result.stderr
