"""README and docs: every block of code runs, every session shown is what the command prints.

- `console`: each line after `$ ` is a command and the lines under it are its output; `…` stands
  for anything.
- `toml`: a file for the sessions and commands below it on the page, of the name that the sentence
  above says, or pyproject.toml.
- `pycon`: a doctest. `python`: runs, with what `given` has where the page speaks of yours.
- `sh`: commands that run. Those that would take minutes, download or never end run in short:
  SHORT says what instead. Of `make`, `pip` and scripts, what they name has to exist; CI runs the
  targets, tests/examples the scripts.
- `text`: shown, not run. Long measurements (docs/cost.md) show the times of one machine; their
  command lines have to be ones that the command takes. The lessons' are compared by
  tests/examples/test_lessons.py.
"""

import contextlib
import doctest
import functools
import re
import shlex
import sys
import tomllib
import traceback
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actscope.cli import app

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
import build_commands  # noqa: E402

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXT = {page: page.read_text(encoding="utf-8") for page in PAGES}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.M | re.S)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TARGETS = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
GENERATED = ROOT / "docs" / "commands.md"  # its examples are parsed in test_commands.py

SMALL_STUDY = """
name = "{}"
activation = ["relu", "tanh"]
lr = [0.1, 0.5]
points = 200
seeds = 2
epochs = 5
"""
MODEL = """
import torch
def resnet():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 8), torch.nn.ReLU(),
        torch.nn.Linear(8, 3))
def fine_tune(model, batches, steps):
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    for step in range(steps):
        x, y = batches[step % len(batches)]
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimiser.step()
"""
SHORT = {
    "actscope assess gelu": "actscope assess gelu --depth 2 --seeds 2",
    "actscope predict --data spirals --depth 2,8 --lr 0.02,0.2": "actscope predict --data spirals "
    "--depth 2 --lr 0.02,0.2 --activations relu,tanh --points 200 --networks 1",
    "actscope search moons --depth 16 --width 8": "actscope search moons --depth 2 --width 4 "
    "--trials 4 --together 4 --rungs 1 --epochs 5 --seeds 2 --finalists 1 --final-seeds 2 "
    "--activations relu,tanh --no-grammar --points 200",
    "actscope search digits --points all --sampler nsga2 --trials 200 --out digits": None,
    "actscope study --builtin rescue --dry-run": "actscope study rescue.toml --dry-run",
    "actscope study --builtin rescue": "actscope study rescue.toml",
    "actscope study --builtin depth": "actscope study depth.toml",
    "actscope serve": None,  # until Ctrl-C: tests/app serves it
    "actscope serve --port 0 --no-open --studies '~/studies'": None,
}


def blocks(*languages):
    """Every block of these languages, with the tables that its page has shown until there."""
    for page, text in TEXT.items():
        files, count = {}, 0
        if page == GENERATED:
            continue
        for found in BLOCK.finditer(text):
            language, body = found.groups()
            if language == "toml":
                before = text[: found.start()].rstrip().rpartition("\n\n")[2]
                named = re.findall(r"`([\w.]+\.toml)`", before)
                files = {**files, (named or ["pyproject.toml"])[-1]: body}
            if language in languages:
                yield pytest.param(body, files, id=f"{page.relative_to(ROOT)}[{count}]")
                count += 1


def commands(body):
    """The command lines of a block of `sh`, without comments and breaks."""
    return [
        shlex.join(shlex.split(line, comments=True))
        for line in body.replace("\\\n", " ").splitlines()
        if line.strip()
    ]


def run(command, folder):
    """What a command prints and its exit code; it runs here: most of a short one is its imports."""
    before = set(sys.modules)
    runner = CliRunner(env={"COLUMNS": "80", "NO_COLOR": "1"})
    with contextlib.chdir(folder):
        done = runner.invoke(app, shlex.split(command)[1:], prog_name="actscope")
    for name in set(sys.modules) - before:  # the next folder has a model of that name too
        if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(folder):
            del sys.modules[name]
    if done.exception and not isinstance(done.exception, SystemExit):
        traceback.print_exception(done.exception)
    return done


def parsed(command):
    """Whether the command takes these words; it is not run."""
    _, name, *words = shlex.split(command)
    build_commands.commands()[name].make_context(name, words)


def steps(body):
    """(command, output) for each `$ ` of a session; a command goes on while a quote is open."""
    for part in re.split(r"^\$ ", body, flags=re.M)[1:]:
        command, _, shown = part.partition("\n")
        while command.count('"') % 2:
            more, _, shown = shown.partition("\n")
            command = f"{command} {more.strip()}"
        yield command, shown


@pytest.mark.parametrize(("body", "files"), list(blocks("console")))
def test_a_session_prints_what_the_page_shows(body, files, tmp_path):
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for command, shown in steps(body):
        assert command.startswith("actscope ")
        printed = "\n".join(s.rstrip() for s in run(command, tmp_path).output.splitlines())
        expected = "\n".join(line.rstrip() for line in shown.splitlines()).strip("\n")
        pattern = ".*".join(re.escape(piece) for piece in expected.split("…"))
        assert re.fullmatch(pattern, printed.strip("\n"), re.S), f"$ {command}\n{printed}"


@pytest.mark.parametrize(("body", "files"), list(blocks("pycon")))
def test_a_python_session_prints_what_the_page_shows(body, files):
    test = doctest.DocTestParser().get_doctest(body, {}, "page", None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert runner.run(test).failed == 0


@pytest.fixture
def given(monkeypatch, tmp_path):
    """What the pages call yours: a model, data, a loop; trainers that stop after two steps."""
    import lightning.pytorch
    import torch
    import transformers

    import actscope

    monkeypatch.chdir(tmp_path)
    names = {"actscope": actscope}
    exec(MODEL, names)
    torch.manual_seed(0)
    batch, labels = torch.randn(64, 4), torch.randint(0, 3, (64,))

    class Module(lightning.pytorch.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = names["resnet"]()

        def training_step(self, rows, _):
            return torch.nn.functional.cross_entropy(self.net(rows[0]), rows[1])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    class Classifier(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = names["resnet"]()

        def forward(self, x, labels):
            logits = self.net(x)
            return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}

    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    monkeypatch.setattr(
        lightning.pytorch,
        "Trainer",
        functools.partial(
            lightning.pytorch.Trainer,
            max_steps=2,
            logger=lightning.pytorch.loggers.CSVLogger(tmp_path),
            log_every_n_steps=1,
            **quiet,
        ),
    )
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path / "out"), max_steps=2, report_to=[], use_cpu=True, disable_tqdm=True
    )
    monkeypatch.setattr(
        transformers, "Trainer", functools.partial(transformers.Trainer, args=arguments)
    )
    return {
        **names,
        "model": names["resnet"](),
        "batch": batch,
        "labels": labels,
        "train": lambda model: names["fine_tune"](model, [(batch, labels)], 2),
        "module": Module(),
        "loader": torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(batch, labels), batch_size=16
        ),
        "rows": [{"x": x, "labels": y} for x, y in zip(batch, labels, strict=True)],
        "classifier": Classifier(),
    }


@pytest.mark.parametrize(("body", "files"), list(blocks("python")))
@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)
def test_a_block_of_python_runs(body, files, given):
    if "TrainerWatch" in body:  # transformers wants a model that gives its loss
        given["model"] = given["classifier"]
    exec(compile(body, "page", "exec"), given)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where all of them run: with a model, data and studies; a command runs once."""
    import numpy as np

    place = tmp_path_factory.mktemp("yours")
    (place / "mymodels.py").write_text(MODEL, encoding="utf-8")
    x = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    np.savez(place / "batch.npz", x=x, y=np.arange(64) % 3)
    for name in ("rescue", "depth"):
        (place / f"{name}.toml").write_text(SMALL_STUDY.format(name), encoding="utf-8")
    return place


once = functools.cache(run)


@pytest.mark.parametrize(("body", "files"), list(blocks("sh")))
def test_a_block_of_commands_runs(body, files, folder):
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    for command in commands(body):
        match shlex.split(command):
            case ["make", target]:
                assert target in TARGETS, command
            case ["pip", "install", wanted]:
                extras = re.fullmatch(r"(?:actscope|\.)(?:\[([\w,]+)\])?", wanted)[1]
                assert set((extras or "all").split(",")) <= set(PROJECT["optional-dependencies"]), (
                    command
                )
            case ["python" | ".venv/bin/python", *words]:
                place = next(word for word in words if "/" in word)
                assert (ROOT / place).exists(), command
            case ["actscope", *_]:
                parsed(command)
                instead = SHORT.get(command, command)
                if instead:
                    done = once(instead, folder)
                    assert done.exit_code == 0, f"{command}\n{done.output}"
            case _:
                pytest.fail(f"nobody checks this line: {command}")


def test_what_runs_in_short_is_on_a_page():
    lines = {line for block in blocks("sh") for line in commands(block.values[0])}
    assert set(SHORT) <= lines


@pytest.mark.parametrize(("body", "files"), list(blocks("text")))
def test_a_measurement_that_is_shown_names_a_command_that_is_taken(body, files):
    for command, _ in steps(body):
        parsed(command)


def test_every_block_is_of_a_kind_that_is_checked():
    kinds = {found[1] for text in TEXT.values() for found in BLOCK.finditer(text)}
    assert kinds <= {"console", "pycon", "python", "sh", "text", "toml"}
    for page, text in TEXT.items():
        fences = re.findall(r"^```(.*)$", text, re.M)
        assert all(fence == "" for fence in fences[1::2]) and all(fences[::2]), page


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", TEXT[page]):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
