"""Write docs/commands.md: every command of `actscope` with its help, options and examples.

The page is made from the commands themselves, so it says what `actscope COMMAND --help` says.

Run: python docs/build_commands.py   (`make docs`)
"""

import re
from pathlib import Path
from typing import Any

import typer

from actscope.cli import app

PAGE = Path(__file__).parent / "commands.md"
HEAD = """# Commands

Written by `make docs` from the commands themselves: what stands here is what
`actscope COMMAND --help` says. Every command is a thin shell over the library; the
[reference](reference.md) has the functions. Errors go to standard error, with exit code 2 for
input that cannot be used; Ctrl-C ends with 130.
"""
KINDS = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "Path": "path",
    "list[str]": "text, repeatable",
    "list[float]": "number, repeatable",
    "list[pathlib.Path]": "path, repeatable",
}
Command = Any


def commands() -> dict[str, Command]:
    """Every command by its name."""
    group = typer.main.get_command(app)
    return {name: group.get_command(None, name) for name in group.list_commands(None)}


def paragraphs(command: Command) -> list[str]:
    """The paragraphs of a command's help, each on one line."""
    return [" ".join(part.split()) for part in (command.help or "").split("\n\n")]


def examples(command: Command) -> list[str]:
    """The command lines that a command's help gives as examples."""
    found = [p for p in paragraphs(command) if re.match(r"Examples?: ", p)]
    return [line for p in found for line in p.partition(": ")[2].split(" · ")]


def escaped(text: str) -> str:
    """Text that is no Markdown."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def default_of(parameter: Any) -> str:
    """The default as it is typed; nothing where there is none."""
    value = parameter.default
    if parameter.required:
        return "required"
    if value in (None, "", (), []) or callable(value):
        return ""
    if isinstance(value, bool):
        return "" if not value else f"`{parameter.opts[0]}`"
    return f"`{value}`"


def takes(parameter: Any) -> str:
    """What a parameter is given as: its type, or nothing for a switch."""
    if getattr(parameter, "is_flag", False):
        return ""
    kind = str(getattr(parameter.type_descriptor.annotation, "__name__", ""))
    words = KINDS[kind if kind in KINDS else str(parameter.type_descriptor.annotation)]
    bounds = [parameter.min, parameter.max]
    return words if bounds == [None, None] else f"{words} {span(*bounds)}"


def span(low: float | None, high: float | None) -> str:
    """The range of a number."""
    if high is None:
        return f"≥ {low:g}"
    return f"≤ {high:g}" if low is None else f"{low:g} to {high:g}"


def rows(command: Command) -> list[str]:
    """Arguments and options, one row of a table each."""
    lines = []
    for parameter in command.params:
        if getattr(parameter, "hidden", False):
            continue
        names = [*parameter.opts, *parameter.secondary_opts]
        if parameter.param_type_name == "argument":
            names = [parameter.name.upper()]
        shown = ", ".join(f"`{name}`" for name in names)
        help_ = escaped(getattr(parameter, "help", None) or "")
        lines.append(f"| {shown} | {takes(parameter)} | {default_of(parameter)} | {help_} |")
    return lines


def section(name: str, command: Command) -> str:
    """One command."""
    lead, *rest = [p for p in paragraphs(command) if not re.match(r"Examples?: ", p)]
    shown = ["| | takes | default | |", "|---|---|---|---|", *rows(command)]
    code = "```sh\n" + "\n".join(examples(command)) + "\n```"
    table = "\n".join(shown) if len(shown) > 2 else "It takes no options."
    return "\n\n".join([f"## actscope {name}", *map(escaped, (lead, *rest)), code, table])


def page() -> str:
    """The whole page."""
    return "\n\n".join([HEAD.strip(), *(section(*item) for item in commands().items())]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE.name)
