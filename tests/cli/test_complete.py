"""What a shell offers at Tab: asked for as shells ask, by real shells where there are some."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

import actscope
from actscope.cli import app
from actscope.cli._group import _files

ROOT = Path(actscope.__file__).parent
HEAVY = {"numpy", "scipy", "numba", "matplotlib", "sklearn", "pandas", "sympy", "torch", "jinja2"}
MAIN = "from actscope.cli import main; main()"
SCRIPT = f"""#!/bin/sh
case "$_ACTSCOPE_COMPLETE$1" in
    complete_*|--*-completion) exec "{sys.executable}" -c "{MAIN}" "$@" ;;
    *) echo "asked for: $*." ;;
esac
"""
# typed before a Tab -> what the line is then
TYPED = {"asse": "assess", "assess sigm": "assess sigmoid", "study --built": "study --builtin"}
# "actscope assess sigm<Tab>   # sigmoid"
README = re.findall(
    r"^(actscope .*)<Tab> +# (.*)$",
    Path(__file__).parents[2].joinpath("README.md").read_text("utf8"),
    re.M,
)
# parameter -> where its values come from; a parameter of such a name has to be offered them
SHELVES = {
    "activations": "activations",
    "baseline": "activations",
    "data": "datasets",
    "executor": "study/executors",
    "init_grid": "inits",
    "inits": "inits",
    "swaps": "activations",
}
OWN = {
    ("inspect", "at"): "activations",
    ("show", "name"): "activations",
    ("assess", "name"): "activations",
    ("plot", "names"): "activations",
    ("claims", "names"): "claims",
    ("study", "builtin"): "study/builtin",
}
FILES = {("inspect", "data")}  # a file of the user's, which shells complete by themselves


def offered(line, **env):
    """What fish is given for a line, and how: the word alone, without what it says."""
    asked = {"_ACTSCOPE_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = subprocess.run(
        [sys.executable, "-c", MAIN],
        env={**os.environ, **asked, "_TYPER_COMPLETE_ARGS": line, **env},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return [row.partition("\t")[0] for row in done.stdout.splitlines() if row]


def on_shelf(folder):
    """The names that the files of a folder of the package have."""
    files = [*(ROOT / folder).glob("*.py"), *(ROOT / folder).glob("*.toml")]
    return sorted(f.stem for f in files if not f.name.startswith("_"))


def parameters():
    for name in _files():
        for parameter in typer.main.get_command(app).get_command(None, name).params:
            folder = OWN.get((name, parameter.name), SHELVES.get(parameter.name))
            if folder and (name, parameter.name) not in FILES:
                yield pytest.param(parameter, folder, id=f"{name}-{parameter.name}")


def complete(parameter, incomplete):
    return [item.value for item in parameter.shell_complete(None, incomplete)]


@pytest.mark.parametrize(("parameter", "folder"), list(parameters()))
def test_a_parameter_that_takes_names_is_offered_them(parameter, folder):
    names = on_shelf(folder)
    assert names
    assert set(complete(parameter, "")) >= set(names)
    start = names[0][:2]
    assert complete(parameter, start) == [n for n in complete(parameter, "") if n.startswith(start)]
    assert complete(parameter, "no_such") == []


def test_commands():
    assert offered("actscope ") == list(_files())
    assert offered("actscope as") == ["assess"]
    assert offered("actscope ", COLUMNS="20") == list(_files())  # no line of it is wrapped


def test_options_of_a_command():
    assert offered("actscope query --") == ["--csv", "--help"]
    assert {"--install-completion", "--show-completion"} <= set(offered("actscope --"))


def test_the_last_of_several_names():
    assert offered("actscope search --inits he,l") == ["he,lecun", "he,lsuv"]
    assert offered("actscope search --inits he,h") == []  # it is there
    assert offered("actscope reproduce --activations max(x,r") == []  # inside an expression


def test_the_readme_shows_what_is_offered():
    assert README
    for line, shown in README:
        assert offered(line) == shown.split()


def test_an_unknown_command_is_no_traceback():
    assert offered("actscope nonsense --") == offered("actscope --")


@pytest.mark.parametrize("line", ["actscope ", *(f"actscope {name} --" for name in _files())])
def test_an_offer_is_light(line):
    """Nothing heavy is imported at a Tab: bash's question is answered in some .15 s."""
    say = "atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    code = f"import atexit, sys\n{say}\n{MAIN}\n"
    words = line.split(" ")
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **asked, "_ACTSCOPE_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout
    assert not {m.partition(".")[0] for m in done.stderr.split()} & HEAVY


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_tab_in_a_real_shell(name, tmp_path):
    """`actscope --install-completion`, a new terminal, Tab: in an empty home."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"no {name}")
    with terminal(path, tmp_path) as first:
        first.sendline("actscope --show-completion")
        first.expect("_ACTSCOPE_COMPLETE=complete_" + name)
        first.sendline("actscope --install-completion")
        first.expect("completion installed in")
        first.expect("once you restart the terminal")
    for typed, whole in TYPED.items():
        with terminal(path, tmp_path) as second:
            second.send(f"actscope {typed}\t")
            if name == "zsh":  # its first Tab loads what was installed
                second.expect_exact(typed)
                second.send("\t")
            time.sleep(0.5)  # a shell that still completes would take Enter for a part of it
            second.send("\r")
            second.expect_exact(f"asked for: {whole}.")


@contextlib.contextmanager
def terminal(shell, home):
    """An interactive shell that has this home and finds `actscope`."""
    import pexpect

    (home / "bin").mkdir(exist_ok=True)
    # where there is none, fish reads every manual page of the machine first
    (home / ".local/share/fish/generated_completions").mkdir(parents=True, exist_ok=True)
    script = home / "bin" / "actscope"
    script.write_text(SCRIPT, "utf8")
    script.chmod(0o755)
    path = f"{home / 'bin'}:{os.environ['PATH']}"
    env = {**os.environ, "HOME": str(home), "PATH": path, "TERM": "dumb", "ZDOTDIR": str(home)}
    child = pexpect.spawn(shell, ["-i"], env=env, timeout=20, encoding="utf8", dimensions=(24, 200))
    try:
        yield child
    finally:
        child.close(force=True)
