"""The errors that actscope raises, and what each one means.

```
ActscopeError            every error of ours; the command line prints it and exits with `exit_code`
├── InputError           something given to us is wrong (also a ValueError)
│   ├── UnknownName      no such activation, metric, data set, …; names the nearest
│   ├── BadParameter     a value outside the range that its record declares
│   ├── BadExpression    a typed expression that the parser refuses; names the place
│   └── BadSpec          a field of a Net, Training or study that cannot be; names the field
├── OutputError          a file or folder that cannot be written (also an OSError)
└── MissingExtra         an optional dependency is missing; names the extra (also an ImportError)
```

A message has three parts: what was wrong and where, what is expected, and the way out.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ActscopeError(Exception):
    """The root of every error that actscope raises on purpose.

    Example:
        >>> ActscopeError("no").exit_code
        2
    """

    exit_code = 2


class InputError(ActscopeError, ValueError):
    """Something given to actscope is wrong."""


class UnknownName(InputError):
    """A name that no record has.

    Args:
        kind: what was looked for, in the singular ("activation").
        name: the name that was asked for.
        known: every name there is.

    Example:
        >>> str(UnknownName("activation", "rellu", ["gelu", "relu", "tanh"]))
        "unknown activation 'rellu': did you mean 'relu'? Known: gelu, relu, tanh"
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name[:60].lower(), names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        shown = name if len(name) <= 60 else name[:57] + "…"
        super().__init__(f"unknown {kind} {shown!r}: {hint}Known: {', '.join(names)}")
        self.kind, self.name, self.nearest = kind, name, (near[0] if near else None)


class BadParameter(InputError):
    """A parameter whose value lies outside the range that its record declares."""


class BadExpression(InputError):
    """A typed expression that the parser refuses."""


class BadSpec(InputError):
    """A field of a network, a training or a study that cannot be.

    Args:
        field: the dotted name of the field ("Net.hidden[2]").
        value: what was given.
        expected: what the field takes, with the way out.

    Example:
        >>> str(BadSpec("Training.lr", -1, "a positive number"))
        'Training.lr = -1: expected a positive number'
    """

    def __init__(self, field: str, value: object, expected: str) -> None:
        super().__init__(f"{field} = {value!r}: expected {expected}")
        self.field = field


class OutputError(ActscopeError, OSError):
    """A file or folder that cannot be written."""


class MissingExtra(ActscopeError, ImportError):
    """An optional dependency that is not installed.

    Example:
        >>> str(MissingExtra("torch", "torch"))
        "this needs torch, which is not installed: pip install 'actscope[torch]'"
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this needs {package}, which is not installed: pip install 'actscope[{extra}]'"
        )
