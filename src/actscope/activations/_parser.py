"""From the text of a typed expression to a small tree, by a whitelist; nothing is ever evaluated.

Python's own `ast` splits the text. Before it sees anything, the text is short, plain ASCII and
not deeply nested, so it answers in bounded time and memory; after it, every node that is not in
the whitelist is refused with its column.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

from actscope.errors import BadExpression

MAX_CHARACTERS = 1000
MAX_BRACKETS = 32  # open at the same time
MAX_DEPTH = 60  # levels of the tree
MAX_NODES = 400
MAX_POWER = 100  # of an exponent, nested ones multiplied
LARGEST = 2**53  # integers up to here are exact

# How many arguments each function takes; None: any number from the first on.
ARITY: dict[str, tuple[int, int | None]] = {
    **dict.fromkeys(("abs", "cos", "cosh", "erf", "exp", "expm1", "log", "log1p"), (1, 1)),
    **dict.fromkeys(("ndtr", "npdf", "sech", "sigmoid", "sign", "sin", "sinh"), (1, 1)),
    **dict.fromkeys(("softplus", "sqrt", "square", "tanh"), (1, 1)),
    "max": (2, None),
    "min": (2, None),
    "where": (3, 3),
}
CONSTANTS = ("e", "pi")
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
}
LANGUAGE = "x, numbers, pi, e, + - * / **, brackets, and functions such as exp(x) or max(0, x)"

_PLAIN = re.compile(r"[A-Za-z0-9_ \t.+\-*/(),<>=!]*")
# A number with a letter right behind it ("2x"); possessive, so that 1e5 is one number
_GLUED = re.compile(
    r"(?<![\w.])(?:\d[\d_]*+\.?+[\d_]*+|\.\d[\d_]*+)(?:[eE][+-]?\d++)?+(?=[A-Za-z_])"
)
_SIGNS = re.compile(r"(?:[+\-][ \t]*){9}")
_HINTS = {
    "^": "** for a power",
    "·": "* for a product",
    "×": "* for a product",
    "÷": "/ for a quotient",
    "−": "the ASCII minus -",
    "π": "pi",
    "²": "**2",
    "³": "**3",
    "√": "sqrt(…)",
    "|": "abs(…)",
    "[": "round brackets",
    "{": "round brackets",
    "\n": "one line",
}


@dataclass(frozen=True)
class Node:
    """One node of the tree: what it is, its arguments, and the column where it starts.

    `kind` is "number" (value a Fraction), "name" (value "x", a constant or a parameter), "call"
    (value the function), "where" (value the comparison; arguments left, right, then, else), or an
    operator: "+", "-", "*", "/", "**", "negative".
    """

    kind: str
    column: int
    args: tuple[Node, ...] = ()
    value: str | Fraction = ""


def refuse(column: int, found: str, expected: str = LANGUAGE) -> NoReturn:
    """Raise the one error of this language: where, what, what is expected."""
    raise BadExpression(f"typed expression, column {column}: {found}; expected {expected}")


def read(text: str, parameters: Collection[str] = (), functions: Collection[str] = ()) -> Node:
    """The tree of `text`.

    Args:
        text: the expression, at most `MAX_CHARACTERS` long.
        parameters: names that stand for numbers besides x, pi and e.
        functions: names that may be called besides those of `ARITY` (the catalogue's); how many
            arguments they take is not checked here.

    Raises:
        BadExpression: anything outside the language; the message names the column.

    Example:
        >>> read("2*x").args[1]
        Node(kind='name', column=3, args=(), value='x')
    """
    scan(text)
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        _not_parsed(text, error)
    return _Reader(text, parameters, functions).node(body)


def scan(text: str) -> None:
    """Refuse by looking at characters only: what is too long, too deep or not plain ASCII."""
    if not isinstance(text, str):
        raise BadExpression(
            f"a typed expression is a text such as 'x*sigmoid(1.7*x)', not {type(text).__name__}"
        )
    if len(text) > MAX_CHARACTERS:
        raise BadExpression(
            f"typed expression of {len(text):,} characters: expected at most {MAX_CHARACTERS:,}; "
            "shorten it, or write it as a record in a file of its own"
        )
    if not text.strip():
        raise BadExpression(f"typed expression: it is empty; expected {LANGUAGE}")
    stripped = text.strip()
    start = text.index(stripped[0])
    plain = _PLAIN.match(stripped)
    if plain is not None and plain.end() < len(stripped):
        odd = stripped[plain.end()]
        hint = _HINTS.get(odd, LANGUAGE)
        refuse(start + plain.end() + 1, f"the character {odd!r} has no meaning here", hint)
    glued = _GLUED.search(stripped)
    if glued is not None:
        refuse(start + glued.end() + 1, "a name right behind a number", "an operator (2*x, not 2x)")
    signs = _SIGNS.search(stripped)
    if signs is not None:
        refuse(start + signs.start() + 1, "a row of signs", "one sign at a time")
    open_now = 0
    for column, character in enumerate(stripped, start + 1):
        open_now += (character == "(") - (character == ")")
        if open_now > MAX_BRACKETS:
            refuse(column, "too many open brackets", f"at most {MAX_BRACKETS} at the same time")


def _not_parsed(text: str, error: Exception) -> NoReturn:
    stripped = text.strip()
    start = text.index(stripped[0])
    column = start + min(getattr(error, "offset", None) or 1, len(stripped) + 1)
    # Python names the mistake well ("'(' was never closed"); its advice on spelling is not ours
    said = (getattr(error, "msg", None) or "this does not parse").split(". ")[0].split("; ")[0]
    refuse(column, said)


def _count(body: ast.expr) -> Iterator[int]:
    """The depth of each node, without recursion."""
    todo: list[tuple[ast.AST, int]] = [(body, 1)]
    while todo:
        node, depth = todo.pop()
        yield depth
        todo += [
            (child, depth + 1)
            for child in ast.iter_child_nodes(node)
            if not isinstance(child, (ast.operator, ast.unaryop, ast.cmpop, ast.expr_context))
        ]


def names_in(tree: Node) -> set[str]:
    """The names of the tree: x, constants and parameters."""
    if tree.kind == "name":
        return {str(tree.value)}
    return set().union(*map(names_in, tree.args))


class _Reader:
    """The whitelist visitor over Python's tree."""

    def __init__(self, text: str, parameters: Collection[str], functions: Collection[str]) -> None:
        self.start = text.index(text.strip()[0])
        self.names = ("x", *CONSTANTS, *parameters)
        self.functions = {*ARITY, *functions}

    def node(self, body: ast.expr) -> Node:
        depths = list(_count(body))
        if max(depths) > MAX_DEPTH or len(depths) > MAX_NODES:
            refuse(
                self.column(body),
                f"{len(depths)} parts nested {max(depths)} deep",
                f"at most {MAX_NODES} parts nested at most {MAX_DEPTH} deep",
            )
        return self.visit(body)

    def column(self, node: ast.expr) -> int:
        return self.start + node.col_offset + 1

    def visit(self, node: ast.expr) -> Node:
        match node:
            case ast.Constant(value=value) if type(value) in (int, float):
                assert isinstance(value, (int, float))
                return self.number(node, value)
            case ast.Name(id=name):
                return self.name(node, name)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.visit(operand)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Node("negative", self.column(node), (self.visit(operand),))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                args = (self.visit(left), self.visit(right))
                return Node(OPERATORS[type(op)], self.column(node), args)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self.call(node, name, args)
        return self.unknown(node)

    def number(self, node: ast.expr, value: float) -> Node:
        if abs(value) > LARGEST and isinstance(value, int):
            value = float(value) if value.bit_length() < 1024 else math.inf
        if math.isinf(value):
            refuse(self.column(node), "a number that is too large", "numbers up to 1e308")
        # through its shortest text, so that 1.7 is exactly 17/10
        return Node("number", self.column(node), value=Fraction(repr(value)))

    def name(self, node: ast.expr, name: str) -> Node:
        column = self.column(node)
        if name in self.names:
            return Node("name", column, value=name)
        if name in self.functions:
            refuse(column, f"{name} is a function", f"{name}(x), with its argument in brackets")
        refuse(column, f"unknown name {_short(name)}", self.advice(name, self.names))

    def call(self, node: ast.expr, name: str, args: list[ast.expr]) -> Node:
        column = self.column(node)
        if name in self.names:
            refuse(column, f"{name} is not a function", f"an operator ({name}*(…))")
        if name not in self.functions:
            refuse(column, f"unknown function {_short(name)}", self.advice(name, self.functions))
        low, high = ARITY.get(name, (1, None))
        if len(args) < low or (high is not None and len(args) > high):
            takes = f"{low}" if high == low else f"{low} or more"
            refuse(column, f"{name} with {len(args)} arguments", f"{takes} of them")
        if name == "where":
            return self.where(column, *args)
        return Node("call", column, tuple(map(self.visit, args)), name)

    def where(self, column: int, condition: ast.expr, *branches: ast.expr) -> Node:
        match condition:
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARISONS:
                args = (left, right, *branches)
                return Node("where", column, tuple(map(self.visit, args)), COMPARISONS[type(op)])
        refuse(
            self.column(condition),
            "where() without one plain comparison as its first argument",
            "where(x > 0, x, 0.1*x); nest where() for two comparisons",
        )

    def unknown(self, node: ast.expr) -> Node:
        found, expected = _REFUSED.get(type(node), (type(node).__name__, LANGUAGE))
        if isinstance(node, ast.Call):  # of something that is not a name, or with keywords
            found = "a call of something that is not a function's name, or with named arguments"
        elif isinstance(node, ast.Constant):
            found = f"the constant {_short(repr(node.value))}"
        column = self.column(node)
        if isinstance(node, ast.Attribute):
            column = self.start + (node.value.end_col_offset or 0) + 1
        return refuse(column, found, expected)

    def advice(self, name: str, known: Collection[str]) -> str:
        near = difflib.get_close_matches(name[:40].lower(), sorted(known), n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"one of {', '.join(sorted(known))}{hint}"


_REFUSED: dict[type[ast.expr], tuple[str, str]] = {
    ast.Attribute: ("a dot behind a name", LANGUAGE),
    ast.Compare: ("a comparison outside where()", "where(x > 0, x, 0)"),
    ast.BoolOp: ("and / or", "nested where()"),
    ast.IfExp: ("if … else", "where(x > 0, x, 0)"),
    ast.BinOp: ("an operator that is not in the language", "+ - * / **"),
    ast.UnaryOp: ("not", "where() with the comparison turned round"),
    ast.Tuple: ("a comma outside a function's brackets", "a decimal point in numbers"),
    ast.Starred: ("a star before an argument", "plain arguments"),
}


def _short(name: str) -> str:
    return repr(name if len(name) <= 40 else name[:39] + "…")
