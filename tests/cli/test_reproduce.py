"""`actscope reproduce`: what it prints, writes and exits with."""

import json
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from actscope.article import comparison
from actscope.cli import app
from actscope.cli._shared import split_names
from actscope.errors import InputError


def invoke(*words):
    return CliRunner().invoke(app, ["reproduce", *map(str, words)], env={"COLUMNS": "120"})


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "new"
    return invoke("--out", folder), folder


def test_the_published_run(first):
    run, folder = first
    assert run.exit_code == 0, run.output
    for line in ("Sigmoid loss, epoch 400", "~0.28", "0.2875", "roughly", "no: the article gives"):
        assert line in run.stdout
    assert "All 46 numbers of the article's own script are met to 1e-09" in run.stdout
    assert f"Everything on one page: {folder / 'index.html'}" in run.stdout
    assert run.stderr == ""
    names = {p.name for p in folder.iterdir()}
    assert {"index.html", "data_set.png", "hidden_space.svg", "numbers.csv"} <= names
    assert not [name for name in names if name.startswith(".")]


def test_the_command_on_the_page_gives_the_run_again(first):
    command = json.loads((first[1] / "numbers.json").read_text("utf8"))["command"]
    assert command == "actscope reproduce --activations sigmoid,relu --seed 42"


def test_existing_files_are_replaced(first):
    _, folder = first
    (folder / "losses.csv").write_text("old")
    (folder / "mine.txt").write_text("mine")
    run = invoke("--out", folder, "--activations", "leaky_relu, x*sigmoid(1.7*x)", "--seed", 3)
    assert run.exit_code == 0, run.output
    assert (folder / "losses.csv").read_text("utf8").startswith("epoch,leaky_relu,")
    assert (folder / "mine.txt").read_text() == "mine"
    assert "Not the published run" in run.stdout
    assert "~0.28" not in run.stdout  # no claim speaks of these activations


def test_other_seeds_are_compared_and_do_not_fail(tmp_path):
    run = invoke("--out", tmp_path, "--seed", 7)
    assert run.exit_code == 0
    assert "~96 %" in run.stdout
    assert "The article's numbers are those of its own settings and seed 42." in run.stdout
    page = (tmp_path / "index.html").read_text("utf8")
    assert "its own settings and seed 42" in page and "looser than the run" not in page


def test_activations_that_the_article_does_not_speak_of_get_their_accuracy(tmp_path):
    run = invoke("--out", tmp_path, "--activations", "tanh,x**3")
    assert run.exit_code == 0
    assert "Test accuracy after 800 epochs: Tanh " in run.stdout
    assert "x**3 diverged at epoch 1." in run.stdout.replace("\n", " ")


def test_a_number_that_differs_is_exit_code_1(tmp_path, monkeypatch):
    facts = dict(comparison.published())
    first = facts["reference"][0]
    facts["reference"] = (first._replace(value=first.value + 1e-8), *facts["reference"][1:])
    monkeypatch.setattr(comparison, "published", lambda: facts)
    run = invoke("--out", tmp_path)
    assert run.exit_code == 1
    assert "1 of 46 numbers of the article's own script are not met" in run.stdout
    assert "differs: sigmoid loss at epoch 1: 0.7007" in run.stderr
    assert (tmp_path / "index.html").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--activations", "relux"], "did you mean 'relu'"),
        (["--activations", "relu,,gelu"], "a name is missing"),
        (["--activations", "__import__('os')"], "error: "),
        (["--activations", "leaky_relu(slope=7)"], "slope = 7"),
        (["--activations", "leaky_relu(slope=x)"], "slope = 'x' is not a number"),
        (["--activations", "leaky_relu(slop=0.1)"], "no parameter 'slop'"),
        (["--activations", "relu,relu"], "asked for twice"),
        (["--activations", "softmax"], "whole vectors"),
        (["--seed", "-1"], "Setup.seed = -1"),
        (["--seeds", "5"], "seeds = 5: expected 20 to 100000"),
    ],
)
def test_bad_input(tmp_path, words, message):
    run = invoke("--out", tmp_path / "none", *words)
    assert run.exit_code == 2
    assert message in run.stderr
    assert run.stderr.count("\n") == 1
    assert run.stdout == ""
    assert not (tmp_path / "none").exists()


def test_an_unwritable_folder_is_found_before_training(tmp_path, monkeypatch):
    from actscope.article import run as module

    def train(*_args, **_kwargs):
        raise AssertionError("it trained")

    monkeypatch.setattr(module, "train", train)
    (tmp_path / "file").write_text("x")
    run = invoke("--out", tmp_path / "file")
    assert run.exit_code == 2
    assert "cannot write to" in run.stderr
    assert (tmp_path / "file").read_text() == "x"


def test_seeds(tmp_path):
    run = invoke("--out", tmp_path, "--seeds", 20, "--activations", "relu")
    assert run.exit_code == 0, run.output
    assert "loss percentile" in run.stdout
    assert (tmp_path / "seeds.csv").read_text("utf8").count("\n") == 21
    assert "How typical this seed is" in (tmp_path / "index.html").read_text("utf8")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c(tmp_path):
    """Stopped in training: 130, one word on stderr, no file, no traceback."""
    folder = tmp_path / "out"
    names = "gelu,mish,silu,softplus,tanh,elu,selu,celu"  # some seconds of training
    command = [sys.executable, "-m", "actscope", "reproduce", "--activations", names]
    process = subprocess.Popen(
        [*command, "--out", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 30
    while not folder.exists() and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "stopped\n")
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("relu", ["relu"]),
        (" relu , gelu ", ["relu", "gelu"]),
        ("where(x > 0, x, 0),leaky_relu", ["where(x > 0, x, 0)", "leaky_relu"]),
        ("max(min(x,1),0),max(x,(0))", ["max(min(x,1),0)", "max(x,(0))"]),
    ],
)
def test_split_names(text, names):
    assert split_names(text) == names


@pytest.mark.parametrize("text", ["", ",", "relu,", ",relu", "a,,b"])
def test_split_names_refuses(text):
    with pytest.raises(InputError, match="a name is missing"):
        split_names(text)
