"""`actscope export --onnx`: a network spec in, a file that runs out."""

import numpy as np
import onnxruntime
import pytest
from typer.testing import CliRunner

from actscope.cli import app
from actscope.study import Study
from actscope.study.points import split

SPEC = 'activation = "x*sigmoid(1.7*x)"\nwidth = 6\nepochs = 30\nlr = 0.2\nseeds = [4, 9]\n'


def run(*words):
    return CliRunner().invoke(app, list(map(str, words)))


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    file = tmp_path_factory.mktemp("spec") / "one.toml"
    file.write_text(SPEC)
    return file


def accuracy(path, row):
    """Of the file on the study's test points."""
    points = split(row.data, row.points, row.test_share, row.data_seed)
    x = points.x_test.astype(np.float32)
    y = onnxruntime.InferenceSession(path).run(None, {"x": x})[0][:, 0]
    return float(np.mean((y >= 0) == points.y_test))


def test_a_spec_becomes_a_file(spec, tmp_path):
    cell = Study(activation="x*sigmoid(1.7*x)", width=6, epochs=30, lr=0.2).plan().cells[0]
    for words, seed in (((), 4), (("--seed", 9), 9), (("--seed", 2), 2)):
        done = run("export", spec, "--onnx", tmp_path / "a.onnx", *words)
        assert done.exit_code == 0, done.output
        shown = f"on moons, seed {seed}: test accuracy {accuracy(tmp_path / 'a.onnx', cell):.4g}"
        assert "Net(2-6-6-1, x*sigmoid(1.7*x)) " + shown in done.output
    done = run("export", spec, "--onnx", tmp_path / "p.onnx", "--output", "sigmoid")
    assert done.exit_code == 0
    x = np.zeros((3, 2), dtype=np.float32)
    p = onnxruntime.InferenceSession(tmp_path / "p.onnx").run(None, {"x": x})[0]
    assert ((p > 0) & (p < 1)).all()


def test_a_study_folder_is_a_spec_too(spec, tmp_path):
    assert run("study", spec, "--out", tmp_path / "s").exit_code == 0
    done = run("export", tmp_path / "s", "--onnx", tmp_path / "a.onnx", "--csv", tmp_path / "a.csv")
    assert done.exit_code == 0, done.output
    assert "2 rows of trials" in done.output and "seed 4" in done.output


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        (SPEC, ["--csv", "x.csv"], "one.toml is a file: --csv and --parquet write the trials"),
        (SPEC, [], "nothing to write"),
        (SPEC, ["--onnx", "{}/no/a.onnx"], "there is no folder"),
        (SPEC, ["--onnx", "{}/a.onnx", "--seed", "-1"], "seed = -1"),
        (SPEC, ["--onnx", "{}/a.onnx", "--output", "sofmax"], "did you mean 'softmax'"),
        (SPEC + "depth = [1, 2]\n", ["--onnx", "{}/a.onnx"], "2 cells"),
        ("lr = -1\n", ["--onnx", "{}/a.onnx"], "lr = -1"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(tmp_path, text, words, message):
    file = tmp_path / "one.toml"
    file.write_text(text)
    done = run("export", file, *(w.format(tmp_path) for w in words))
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == [file]
