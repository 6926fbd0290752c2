"""A small grammar of activations: join(left(x), right(x)), as in Ramachandran et al. 2017.

One argument is scaled, so that x·sigmoid(1.7x) and max(x, 0.5x) are in it. Every sentence is a
typed expression of the package, so it is differentiated and compiled as any other.

Source: Ramachandran, Zoph & Le 2017, Searching for activation functions.
"""

from __future__ import annotations

from dataclasses import dataclass

from actscope.errors import BadSpec

# of an argument u; all of them are bounded by a line
UNARY = {
    "identity": "({u})",
    "relu": "relu({u})",
    "tanh": "tanh({u})",
    "sigmoid": "sigmoid({u})",
    "softplus": "softplus({u})",
    "sin": "sin({u})",
    "erf": "erf({u})",
    "abs": "abs({u})",
    "bell": "exp(-({u})**2)",
    "softsign": "({u})/(1 + abs({u}))",
}
JOIN = {
    "times": "{left}*{right}",
    "plus": "{left} + {right}",
    "minus": "{left} - {right}",
    "max": "max({left}, {right})",
    "min": "min({left}, {right})",
}
SCALES = (0.5, 1.0, 1.7, 3.0)


@dataclass(frozen=True)
class Sentence:
    """One sentence of the grammar.

    Attributes:
        left: a name of UNARY, of x.
        right: a name of UNARY, of scale·x.
        scale: one of SCALES.
        join: a name of JOIN.

    Raises:
        BadSpec: a part that the grammar does not have.

    Example:
        >>> Sentence("identity", "sigmoid", 1.7, "times").text
        '(x)*sigmoid(1.7*x)'
    """

    left: str
    right: str
    scale: float
    join: str

    def __post_init__(self) -> None:
        known = {"left": UNARY, "right": UNARY, "scale": SCALES, "join": JOIN}
        for part, allowed in known.items():
            if getattr(self, part) not in allowed:
                choices = ", ".join(map(str, allowed))
                raise BadSpec(f"Sentence.{part}", getattr(self, part), f"one of {choices}")

    @property
    def text(self) -> str:
        """The sentence as a typed expression of x."""
        left = UNARY[self.left].format(u="x")
        right = UNARY[self.right].format(u="x" if self.scale == 1.0 else f"{self.scale:g}*x")
        return JOIN[self.join].format(left=left, right=right)
