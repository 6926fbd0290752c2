"""What several commands use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from actscope.errors import BadParameter, InputError

if TYPE_CHECKING:
    from actscope.activations._base import Activation

# name(parameter=value, …): what Activation.key looks like
PAIR = r"\s*\w+\s*=[^,=()]*"
WITH_PARAMETERS = re.compile(rf"\s*(\w+)\s*\(({PAIR}(?:,{PAIR})*)\)\s*")


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


def read_activation(text: str) -> Activation:
    """An elementwise activation given on the command line.

    Args:
        text: a catalogue name, a typed expression, or a name with parameters as tables and files
            print them: "leaky_relu(slope=0.1)".

    Raises:
        UnknownName, BadParameter, BadExpression, InputError: as the lookup says.

    Example:
        >>> read_activation("leaky_relu(slope=0.1)").key
        'leaky_relu(slope=0.1)'
    """
    from actscope.activations._lookup import elementwise

    found = WITH_PARAMETERS.fullmatch(text)
    if not found:
        return elementwise(text.strip())
    settings = {}
    for pair in found[2].split(","):
        name, _, value = (part.strip() for part in pair.partition("="))
        try:
            settings[name] = float(value)
        except ValueError:
            raise BadParameter(
                f"{text!r}: {name} = {value!r} is not a number; expected as in "
                "leaky_relu(slope=0.1)"
            ) from None
    return elementwise(found[1], **settings)


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
