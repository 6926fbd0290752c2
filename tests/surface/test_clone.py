"""The README's two commands, from a fresh clone, as somebody has it who has nothing.

A new home, empty caches, a folder with a space in its name; of the environment nothing but where
programs and packages are found. `make test` runs with the smallest choice of tests, and mypy with
what it knows of files of these contents: the run that this test is a part of has just run all.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# how this machine reaches a package index
NETWORK = re.compile(r"PIP_|\w*_PROXY$|SSL_CERT|REQUESTS_CA_BUNDLE$|CURL_CA_BUNDLE$", re.IGNORECASE)
TOOLS = ("make", "git", "sh")
FIRST_RESULT = "actscope-reproduce/index.html"


def environment(home):
    """What `env -i` would leave, and how packages are found."""
    python = Path(sys._base_executable).parent
    folders = [python, *(Path(shutil.which(tool)).parent for tool in TOOLS)]
    env = {"HOME": str(home), "PATH": os.pathsep.join(dict.fromkeys(map(str, folders)))}
    env |= {name: value for name, value in os.environ.items() if NETWORK.match(name)}
    for config in (".config/pip/pip.conf", ".pip/pip.conf"):  # it names an index, as PIP_… may
        if (Path.home() / config).is_file():
            env.setdefault("PIP_CONFIG_FILE", str(Path.home() / config))
    return env


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A function that runs a command line in a fresh clone and gives what it printed."""
    if not (ROOT / ".git").exists() or not all(map(shutil.which, TOOLS)):
        pytest.skip("no clone of the repository, or no make")
    folder = tmp_path_factory.mktemp("two commands")
    (folder / "home").mkdir()
    env = environment(folder / "home")

    def run(*words, cwd=folder / "a clone"):
        done = subprocess.run(
            words, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert done.returncode == 0, f"{words}:\n{done.stdout[-5000:]}"
        return done.stdout

    run("git", "clone", "--quiet", str(ROOT), "a clone", cwd=folder)
    yield run
    shutil.rmtree(folder, ignore_errors=True)  # gigabytes


def test_make_demo_says_where_the_pictures_are(clone):
    said = clone("make", "demo")
    page = re.search(r"Everything on one page: (.*)", said)[1]
    assert page.endswith(f"a clone/{FIRST_RESULT}")
    pictures = Path(re.search(r"Pictures and numbers: (.*)", said)[1])
    assert len(list(pictures.glob("*.png"))) >= 5
    assert Path(page).is_file()


def test_the_wheel_works_where_no_extra_is(clone):
    """The clone's environment holds what a plain install brings, and nothing else."""
    clone("make", ".venv/.demo")  # by itself too, where another process has the test above
    clone("make", "wheel")
    wheels = [str(p) for p in Path(clone("pwd").strip(), "dist").iterdir()]
    pip = [".venv/bin/pip", "install", "--quiet", "--no-deps", "--force-reinstall"]
    clone(*pip, "--disable-pip-version-check", *wheels)
    home = clone(".venv/bin/python", "-c", "import actscope; print(actscope.__file__)")
    assert ".venv/lib/" in home
    assert "Everything on one page" in clone(".venv/bin/python", "-m", "actscope", "reproduce")
    has = "import importlib.util as u, sys; sys.exit(bool(u.find_spec('torch')))"
    clone(".venv/bin/python", "-c", has)


def test_make_test_installs_checks_and_tests(clone):
    place = Path(clone("pwd").strip())
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", place / ".mypy_cache", dirs_exist_ok=True)
    said = clone("make", "test", "PYTEST_ARGS=tests/test_errors.py")
    for words in ("All checks passed!", "no issues found in", "1 kept, 0 broken", " passed in "):
        assert words in said
    assert "failed" not in said


def test_make_clean_leaves_what_was_cloned(clone):
    clone("make", "clean")
    left = clone("git", "status", "--porcelain", "--ignored").split("\n")
    made = {line.removeprefix("!! ") for line in left if line and "__pycache__" not in line}
    assert made <= {"actscope-reproduce/"}  # your pictures
