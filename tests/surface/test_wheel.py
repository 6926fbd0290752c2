"""The wheel: what is in it, how large it is, and that type checkers read its annotations."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
MOST = 1_000_000  # bytes
PROGRAM = """
import numpy as np

import actscope
from actscope.datasets import dataset

net = actscope.Net(2, hidden=(8, 8), activations="silu")
x, y = dataset("moons").draw(100, np.random.default_rng(0))
result = actscope.train(net, (x[:50], y[:50], x[50:], y[50:]), actscope.Training(epochs=2))
phi: actscope.Activation = actscope.shape("tanh", depth=50)
study: actscope.Study = actscope.Study(lr=[0.1, 0.5])
words: str = actscope.claim("softmax_overflows").statement
epochs: int = actscope.Training(epochs=2).epochs
"""


def command(*words, **how):
    return subprocess.run(words, capture_output=True, text=True, check=False, **how)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip = (
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        folder,
        ROOT,
    )
    done = command(*pip)
    assert done.returncode == 0, done.stderr
    [made] = folder.glob("*.whl")
    return made


def test_it_is_small(wheel):
    assert wheel.stat().st_size < MOST


def test_it_holds_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {n for n in archive.namelist() if ".dist-info/" not in n}
    source = {
        p.relative_to(ROOT / "src").as_posix()
        for p in (ROOT / "src" / "actscope").rglob("*")
        if p.is_file() and p.suffix not in (".pyc", ".nbi", ".nbc")
    }
    assert held == source
    assert "actscope/py.typed" in held


def dependencies():
    """What the project's dependencies put beside it: their modules, as they are installed here."""
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]["dependencies"]
    names = {Requirement(text).name for text in asked}
    modules = [module for module, homes in packages_distributions().items() if names & {*homes}]
    found = [Path(sysconfig.get_path("purelib"), module) for module in modules]
    return [path for path in found if path.is_dir()]


@pytest.fixture(scope="module")
def checked(wheel, tmp_path_factory):
    """A function that checks a program strictly against the installed wheel."""
    folder = tmp_path_factory.mktemp("typed")
    assert command(sys.executable, "-m", "venv", "--without-pip", folder / "env").returncode == 0
    python = folder / "env" / "bin" / "python"
    [place] = (folder / "env").glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    for path in dependencies():  # and no extra: mypy would read all of what it finds, for a minute
        (place / path.name).symlink_to(path)

    def check(program):
        (folder / "program.py").write_text(program, "utf8")
        (folder / "mypy.ini").write_text("[mypy]\n", "utf8")
        mypy = (sys.executable, "-m", "mypy", "--strict", "--python-executable", python)
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return command(*mypy, "program.py", cwd=folder, env=env)

    yield check, place
    shutil.rmtree(folder, ignore_errors=True)


def test_a_program_type_checks_against_it(checked):
    check, place = checked
    done = check(PROGRAM)
    assert done.returncode == 0, done.stdout
    wrong = check(PROGRAM.replace("words: str", "words: int"))
    assert 'expression has type "str", variable has type "int"' in wrong.stdout
    (place / "actscope" / "py.typed").unlink()
    assert "py.typed" in check(PROGRAM).stdout
