"""README and docs: every session shown is what the command prints, every link leads somewhere.

A block fenced as `console` is run as it stands: each line after `$ ` is a command, the lines
under it are its output; `…` in the output stands for anything. A block fenced as `pycon` is a
doctest. Blocks fenced as `sh` are not run here.
"""

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXT = {page: page.read_text(encoding="utf-8") for page in PAGES}


def blocks(language):
    for page, text in TEXT.items():
        for i, body in enumerate(re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)):
            yield pytest.param(body, id=f"{page.relative_to(ROOT)}[{i}]")


def shell(command, folder):
    words = shlex.split(command)
    assert words[0] == "actscope", f"only actscope runs here: {command}"
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    ).stdout


@pytest.mark.parametrize("body", list(blocks("console")))
def test_a_session_prints_what_the_page_shows(body, tmp_path):
    for part in re.split(r"^\$ ", body, flags=re.M)[1:]:
        command, _, shown = part.partition("\n")
        printed = "\n".join(line.rstrip() for line in shell(command, tmp_path).splitlines())
        expected = "\n".join(line.rstrip() for line in shown.splitlines()).strip("\n")
        pattern = ".*".join(re.escape(piece) for piece in expected.split("…"))
        assert re.fullmatch(pattern, printed.strip("\n"), re.S), f"$ {command}\n{printed}"


@pytest.mark.parametrize("body", list(blocks("pycon")))
def test_a_python_session_prints_what_the_page_shows(body):
    test = doctest.DocTestParser().get_doctest(body, {}, "page", None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert runner.run(test).failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", TEXT[page]):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def commands():
    from actscope.cli._group import _files

    return sorted(_files())


@pytest.mark.parametrize("name", commands())
def test_every_command_is_in_the_readme_and_every_option_has_help(name):
    import typer

    from actscope.cli import app

    command = typer.main.get_command(app).get_command(None, name)
    assert f"actscope {name}" in TEXT[ROOT / "README.md"], f"README does not show {name}"
    assert "Example" in (command.help or ""), f"{name} --help has no example"
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{name}: {parameter.name} has no help"
