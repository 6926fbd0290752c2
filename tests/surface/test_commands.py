"""Every command and every option is documented: in its help, and on docs/commands.md."""

import re
import shlex
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
import build_commands as page  # noqa: E402

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = page.commands()
EXAMPLES = [
    pytest.param(example, id=f"{name}[{i}]")
    for name, command in COMMANDS.items()
    for i, example in enumerate(page.examples(command))
]


def test_the_page_is_fresh():
    assert page.PAGE.read_text(encoding="utf-8") == page.page(), "stale: make docs"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme_and_has_an_example(name):
    assert f"actscope {name}" in README, f"README does not show {name}"
    assert page.examples(COMMANDS[name]), f"{name} --help has no example"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help_that_is_shown_as_written(name):
    texts = {"": COMMANDS[name].help or ""}
    for parameter in COMMANDS[name].params:
        texts[parameter.name] = getattr(parameter, "help", None) or ""
    for option, text in texts.items():
        assert text.strip(), f"{name}: {option} has no help"
        # rich takes [word] for a colour and leaves it out
        assert not re.search(r"\[[a-z/]", text), f"{name}: {option}: {text}"


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_command_line_that_the_command_takes(example):
    program, name, *words = shlex.split(example)
    assert program == "actscope"
    COMMANDS[name].make_context(name, words)


def test_an_example_with_an_option_that_is_not_there_is_noticed():
    with pytest.raises(Exception, match="No such option"):
        COMMANDS["list"].make_context("list", ["--colour"])
