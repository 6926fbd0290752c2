"""Each extra alone: what it is for works, what needs another one says so in one line.

A promise (promises.py) runs in a process that cannot import any distribution outside of the
extra and what that depends on, by the installed packages' own metadata. `make packaging` does the
same in environments where nothing else is installed.
"""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import (
    PackageNotFoundError,
    distribution,
    distributions,
    packages_distributions,
)
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import actscope
from actscope.cli._group import _files
from actscope.guests import GUESTS

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("promises.py")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
SOURCE = SCRIPT.read_text("utf8")
# every extra -> one that a promise of it asks for first where none is installed
ASKED_FIRST = {"probe": "torch", "lightning": "torch", "ray": "study"}


def promises():
    """The file's table: extra -> names of functions."""
    space = {"__name__": "promises", "__file__": str(SCRIPT)}
    exec(compile(SOURCE, str(SCRIPT), "exec"), space)
    return {extra: [p.__name__ for p in found] for extra, found in space["PROMISES"].items()}, space


PROMISES, SPACE = promises()


def requirements(extra):
    """What the project asks for with an extra, "" for none; its own name is unfolded."""
    for text in [*PROJECT["dependencies"], *(EXTRAS[extra] if extra else ())]:
        asked = Requirement(text)
        if asked.name == "actscope":
            for other in asked.extras:
                yield from requirements(other)
        else:
            yield asked


HOMES = packages_distributions()  # module -> the distributions that have a part of it


def closure(asked):
    """Names of the distributions that requirements bring, as they are installed here."""
    found, waiting = set(), [(r.name, r.extras) for r in asked]
    seen = set()
    while waiting:
        name, extras = waiting.pop()
        name = canonicalize_name(name)
        if (name, frozenset(extras)) in seen:
            continue
        seen.add((name, frozenset(extras)))
        found.add(name)
        try:
            inner = distribution(name).requires or ()
        except PackageNotFoundError:
            continue
        for text in inner:
            need = Requirement(text)
            chosen = [{"extra": e} for e in ("", *extras)]
            if need.marker is None or any(need.marker.evaluate(e) for e in chosen):
                waiting.append((need.name, need.extras))
    return found


def hidden(extra):
    """What lies outside of an extra: distributions, and modules that none inside of it has."""
    inside = closure(requirements(extra)) | {"actscope"}
    modules = {
        module
        for module, homes in HOMES.items()
        if not inside & {canonicalize_name(home) for home in homes}
    }
    names = {d.name for d in distributions() if canonicalize_name(d.name) not in inside}
    return {"modules": sorted(modules), "distributions": sorted(names)}


def installed(extra):
    """Whether this environment has everything that an extra asks for."""
    try:
        return all(distribution(r.name) for r in requirements(extra))
    except PackageNotFoundError:
        return False


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared") / "files"
    SPACE["prepare"](folder)
    return folder


def kept(prepared, extra, *asked):
    """What came of promises where only `extra` is installed: {(extra, promise): line}."""
    home = prepared.parent / "home"
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, SCRIPT, prepared, *asked],
        env={**os.environ, "HIDDEN": json.dumps(hidden(extra)), "HOME": str(home)},
        cwd=prepared,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"extra"')]
    return {(line["extra"], line["promise"]): line for line in lines}


@pytest.mark.parametrize("extra", [pytest.param(e, id=e or "none") for e in PROMISES])
def test_what_an_extra_is_for_works_with_it_alone(prepared, extra):
    if not installed(extra):
        pytest.skip(f"actscope[{extra}] is not installed here")
    found = kept(prepared, extra, extra)
    assert [name for _, name in found] == PROMISES[extra]
    for line in found.values():
        assert line["outcome"] == "kept", f"{line['promise']}: {line['outcome']}"


def test_without_extras_everything_that_needs_one_says_so_and_leaves_nothing(prepared):
    found = kept(prepared, "")
    assert {extra for extra, _ in found} == set(PROMISES) - {""}
    for (extra, name), line in found.items():
        assert line["outcome"] == f"needs {ASKED_FIRST.get(extra, extra)}", f"{name}: {line}"
        assert line["left"] == [], name


@pytest.mark.parametrize(
    ("there", "extras"),
    [("torch", ("probe", "lightning", "wandb")), ("study", ("search", "ray"))],
)
def test_with_half_of_it_the_other_half_is_named(prepared, there, extras):
    found = kept(prepared, there, *extras)
    assert {extra for extra, _ in found} == set(extras)
    for (extra, name), line in found.items():
        assert line["outcome"] == f"needs {extra}", f"{name}: {line}"
        assert line["left"] == [], name


def test_hiding_hides():
    """The tests above can fail: what is outside of an extra cannot be imported."""
    assert {"torch", "duckdb", "optuna", "pytest"} <= set(hidden("")["modules"])
    assert "numpy" not in hidden("")["modules"]
    assert "torch" not in hidden("lightning")["modules"]
    assert "duckdb" not in hidden("ray")["modules"]


def test_every_extra_command_and_public_name_has_a_promise():
    assert set(PROMISES) - {""} == set(EXTRAS) - {"all"}
    said = {
        *re.findall(r'command\(\s*"([\w-]+)"', SOURCE),
        *re.findall(r'"actscope", "(\w+)"', SOURCE),
    }
    assert said == set(_files())
    for name in actscope.__all__:
        assert re.search(rf"\bactscope(\.{name}\b| import {name}\b)", SOURCE), name


def test_all_is_every_extra_but_those_of_other_programs():
    [everything] = [Requirement(text) for text in EXTRAS["all"]]
    assert everything.extras == set(EXTRAS) - {"all", "lightning", "wandb"}


def test_guests_are_of_their_extra():
    for extra, modules in GUESTS.items():
        asked = closure(requirements(extra)) - closure(requirements(""))
        for module in modules:
            brought = {canonicalize_name(h) for h in HOMES[module.partition(".")[0]]}
            assert brought & asked, f"{extra} does not bring {module}"


def imports_by_name(node):
    """Whether it is a call such as import_module("lightning") or guest("fsspec", …)."""
    if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
        return False
    called = getattr(node.func, "attr", getattr(node.func, "id", ""))
    return called in ("import_module", "guest")


def test_what_is_imported_in_the_source_is_declared():
    """Every package that the source imports is a dependency or in an extra."""
    trees = [ast.parse(p.read_text("utf8")) for p in (ROOT / "src").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    named |= {node.args[0].value for node in nodes if imports_by_name(node)}
    named = {name.partition(".")[0] for name in named}
    assert {"numpy", "torch", "fsspec", "optuna", "wandb"} <= named
    declared = set().union(*(closure(requirements(e)) for e in ("", *EXTRAS)))
    for module in named - set(sys.stdlib_module_names) - {"actscope"}:
        brought = {canonicalize_name(home) for home in HOMES.get(module, [module])}
        assert brought & declared, f"{module} is in no extra"


def test_the_readme_has_the_table_of_extras():
    table = re.findall(
        r"^\| `(\w+)` \| (.*) \| (.*) \|$", (ROOT / "README.md").read_text("utf8"), re.M
    )
    assert [name for name, *_ in table] == list(EXTRAS)
    for name, _, brings in table:
        if name == "all":
            continue
        wanted = [Requirement(text) for text in EXTRAS[name]]
        for need in wanted:
            for word in need.extras or {need.name}:
                assert f"`{word}`" in brings or word in brings.lower(), f"{name}: {word}"
