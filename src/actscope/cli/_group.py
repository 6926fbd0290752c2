"""The command line: one file a command, found by listing this folder, imported when called.

A file `cli/<name>.py` whose name has no leading underscore is the command `<name>` (underscores
become hyphens). It holds a function `command` with a Typer signature; the first line of the
file's docstring is its line in `actscope --help`, the function's docstring its own help. Nothing
else registers it. `--help` reads those lines without importing the files, so what a command
needs costs nothing until it is called.

Every error of ours becomes one message on stderr and its exit code, for all commands alike;
Ctrl-C ends with 130.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from actscope.errors import ActscopeError, UnknownName

FOLDER = Path(__file__).parent
CTRL_C = 130


def _files() -> dict[str, Path]:
    """Command name to file, sorted."""
    files = sorted(p for p in FOLDER.glob("*.py") if not p.name.startswith("_"))
    return {p.stem.replace("_", "-"): p for p in files}


def _first_line(path: Path) -> str:
    """The first line of a file's docstring, without importing the file."""
    doc = ast.get_docstring(ast.parse(path.read_text("utf8"))) or ""
    return doc.partition("\n")[0]


class Commands(TyperGroup):
    """The group of all commands."""

    _listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command's name, sorted."""
        return list(_files())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, imported now; for a help page, its line alone.

        Raises:
            UnknownName: no file has it; the message names the nearest. A shell that completes the
                line gets None.
        """
        path = _files().get(cmd_name)
        if path is None and ctx is not None and ctx.resilient_parsing:  # a shell asks at a Tab
            return None
        if path is None:
            raise UnknownName("command", cmd_name, _files())
        if self._listing:
            return TyperCommand(cmd_name, short_help=_first_line(path), help=_first_line(path))
        module = importlib.import_module(f"actscope.cli.{path.stem}")
        single = typer.Typer(add_completion=False)
        single.command(cmd_name)(module.command)
        return typer.main.get_command(single)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page from the files' first lines."""
        with self._first_lines():
            super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """What a shell offers where a command is due, with the files' first lines."""
        with self._first_lines():
            return super().shell_complete(ctx, incomplete)

    @contextlib.contextmanager
    def _first_lines(self) -> Iterator[None]:
        """A block in which a command is its first line, and its file is not imported."""
        self._listing = True
        try:
            yield
        finally:
            self._listing = False

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error of ours becomes a message and an exit code."""
        try:
            return super().invoke(ctx)
        except ActscopeError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            typer.echo("stopped", err=True)
            raise typer.Exit(CTRL_C) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # what is not one of our errors is a plain traceback
    help="What an activation function does to the geometry of a network, and what it costs.",
)


def _version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        typer.echo(f"actscope {importlib.metadata.version('actscope')}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    """What every command takes."""


def main() -> None:
    """The program `actscope`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without UTF-8 gets "?" and no traceback
            stream.reconfigure(errors="replace")
    if "_ACTSCOPE_COMPLETE" in os.environ:  # one offer a line, however long what it says
        os.environ["COLUMNS"] = "1000"
    app(prog_name="actscope")
