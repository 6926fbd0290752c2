"""What several commands use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from actscope.errors import InputError


def split_names(text: str) -> list[str]:
    """A list given on the command line: split at commas, but not inside brackets.

    Raises:
        InputError: a name is missing between two commas.

    Example:
        >>> split_names("relu, max(x, 0.1*x),gelu")
        ['relu', 'max(x, 0.1*x)', 'gelu']
    """
    names, depth, start = [], 0, 0
    for i, letter in enumerate(text + ","):
        depth += (letter in "([{") - (letter in ")]}")
        if i == len(text) or (letter == "," and depth <= 0):
            names.append(text[start:i].strip())
            start = i + 1
    if not all(names):
        raise InputError(f"{text!r}: a name is missing; expected names and commas, as in relu,gelu")
    return names


@contextmanager
def progress_bar(words: str, total: int) -> Iterator[Callable[..., object]]:
    """A bar on stderr while a block runs; nothing where stderr is no terminal.

    Yields:
        A function to call with the number of steps done since the last call (default 1); it
        takes other words for the bar as `words`.
    """
    import sys

    if not sys.stderr.isatty():
        yield lambda steps=1, words=None: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(words, total=total)

        def step(steps: int = 1, words: str | None = None) -> None:
            progress.update(task, advance=steps, description=words)

        yield step
