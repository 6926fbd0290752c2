"""What the language refuses: quickly, with the place, what was found and what is expected."""

import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actscope.activations._expression import parse
from actscope.errors import BadExpression

SECONDS = 0.5

# text -> parts of the message
REFUSED = {
    "__import__('os')": "column 12",
    "__import__(x)": "unknown function '__import__'",
    "__builtins__": "unknown name",
    "x.__class__": "column 2: a dot behind a name",
    "(1).real": "a dot behind a name",
    "np.exp(x)": "not a function's name",
    "eval(x)": "unknown function 'eval'",
    "(-2)**x": "column 2: a base that is not positive",
    "0**x": "column 1: a base that is not positive",
    "x/(sin(1)**2 + cos(1)**2 - 1)": "it divides by 0",
    "leaky_relu(x, 7)": "column 1: leaky_relu: slope = 7.0 is not allowed",
    "9**9**9": "column 4: an exponent that is too large",
    "((x**10)**10)**10": "nested ones multiplied",
    "(x + 1)**1000": "exponents up to 100",
    "x**-1000": "exponents up to 100",
    "1e300**1e300": "exponents up to 100",
    "1e999": "column 1: a number that is too large",
    "x*1e300*1e300": "a number that is too large",
    "1" * 400: "a number that is too large",
    "1j": "a name right behind a number",
    "2x": "column 2: a name right behind a number; expected an operator (2*x, not 2x)",
    "0x10": "a name right behind a number",
    "lambda: x": "column 7: the character ':'",
    "x if x else x": "if … else; expected where(x > 0, x, 0)",
    "f'{x}'": "the character",
    "'x'": "the character",
    "x := 3": "the character ':'",
    "[x]": "round brackets",
    "{x: x}": "round brackets",
    "x ^ 2": "column 3: the character '^' has no meaning here; expected ** for a power",
    "x % 2": "the character '%'",
    "x // 2": "an operator that is not in the language",
    "x << 2": "an operator that is not in the language",
    "not x": "not",
    "x and x": "nested where()",
    "x < 1": "a comparison outside where()",
    "where(0 < x < 1, x, 0)": "column 7",
    "where(x, x, x)": "without one plain comparison",
    "where(x > 0 and x < 1, x, 0)": "nest where()",
    "where(x > 0, x)": "where with 2 arguments; expected 3",
    "exp()": "exp with 0 arguments; expected 1",
    "exp(x, x)": "exp with 2 arguments",
    "exp(x=1)": "named arguments",
    "exp(*x)": "a star before an argument",
    "exp(**x)": "named arguments",
    "exp": "exp is a function; expected exp(x)",
    "x(2)": "x is not a function; expected an operator (x*(…))",
    "exp(x)(x)": "not a function's name",
    "x, x": "a comma outside",
    "True": "the constant 'True'",
    "None": "the constant 'None'",
    "...": "the constant 'Ellipsis'",
    "(yield)": "expected x",
    "await x": "expected x",
    "x x": "column 3: invalid syntax",
    "(x": "'(' was never closed",
    "x)": "unmatched ')'",
    "y": "unknown name 'y'",
    "expp(x)": "did you mean 'exp'?",
    "rellu(x)": "did you mean 'relu'?",
    "softmax(x)": "unknown function 'softmax'",
    "leaky_relu(x, -5)": "slope = -5",
    "leaky_relu(x, x)": "column 15: slope depends on x",
    "leaky_relu(x, 0.1, 3)": "expected leaky_relu(x, slope)",
    "1/0": "column 3: a division by zero",
    "x/(x - x)": "a division by zero",
    "0**-1": "0 to a power that is not positive",
    "log(-1)": "not a finite real number",
    "x + sqrt(-2)": "column 5: a constant that is not a finite real number",
    "exp(exp(exp(100)))": "not a finite real number",
    "": "it is empty",
    "  \t\n ": "it is empty",
    "x\n+ x": "column 2: the character '\\n' has no meaning here; expected one line",
    "x # x": "the character '#'",
    "x; x": "the character ';'",
    "x\0": "column 2: the character '\\x00'",
    "\uff58": "column 1: the character",  # a wide x, which Python reads as x
    "\u0445": "the character",  # Cyrillic
    "e\uff58p(x)": "column 2",
    "x" * 10_000: "10,000 characters: expected at most 1,000",
    "x + " * 250 + "x": "characters: expected at most 1,000",
    "x" + " + x" * 240: "parts nested",
    "x" + "**x" * 300: "nested",
    "-" * 900 + "x": "a row of signs",
    "(" * 400 + "x" + ")" * 400: "too many open brackets",
    "abs(" * 100 + "x" + ")" * 100: "too many open brackets",
    "silu(" * 30 + "x" + ")" * 30: "grows too long",
    "max(" + ",".join(["x"] * 450) + ")": "at most 400 parts",
}


@pytest.mark.parametrize(("text", "says"), REFUSED.items(), ids=[t[:24] for t in REFUSED])
def test_refused_with_a_reason_in_time(text, says):
    parse("x")  # not the time that SymPy takes to be imported
    start = time.process_time()
    with pytest.raises(BadExpression) as caught:
        parse(text)
    assert time.process_time() - start < SECONDS
    message = str(caught.value)
    assert says in message
    assert "expected" in message
    assert len(message) < 1500


@pytest.mark.parametrize("text", ["x" * 10_000_000, "(" * 100_000 + "x" + ")" * 100_000])
def test_huge_texts_are_refused_by_their_length(text):
    start = time.process_time()
    with pytest.raises(BadExpression, match="characters: expected at most 1,000") as caught:
        parse(text)
    assert time.process_time() - start < SECONDS
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("text", [None, 3, b"x", ["x"]])
def test_only_text_is_parsed(text):
    with pytest.raises(BadExpression, match="is a text such as"):
        parse(text)


HEAVY = {
    "x**x**x": True,
    "abs(" * 30 + "x" + ")" * 30: True,
    "abs(1 - " * 29 + "x" + ")" * 29: True,
    "where(x > 0, x, " * 29 + "0" + ")" * 29: True,
    "tanh(" * 30 + "x" + ")" * 30: True,
    "exp(" * 30 + "x" + ")" * 30: True,
    "x**(" * 25 + "x" + ")" * 25: True,
    "silu(" * 6 + "x" + ")" * 6: True,
    "abs(" + "*".join(f"(x - {i}.123456789)" for i in range(25)) + ")": True,
    "(" + " + ".join(f"exp({i}*x)" for i in range(1, 30)) + ")**9": True,
    "(((x + 1)**8 + 1)**8 + x)": True,
    "(x + 1)**100": True,
    "abs(sin(1000*x))": True,
    "max(exp(exp(exp(x))), 1)": True,
    "sech(exp(exp(exp(x))))": True,
    "max(" + ", ".join(f"sin({i}*x)" for i in range(60)) + ")": False,
}


@pytest.mark.parametrize(("text", "accepted"), HEAVY.items(), ids=[t[:24] for t in HEAVY])
def test_heavy_texts_end_in_time(text, accepted):
    parse("x")
    start = time.process_time()
    if accepted:
        parse(text)
    else:
        with pytest.raises(BadExpression, match="nest fewer functions"):
            parse(text)
    assert time.process_time() - start < 2.0


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(max_size=30) | st.text(alphabet="x0129.()+-*/<>=,_ epilogsqrtmax", max_size=30))
def test_any_text_is_an_activation_or_bad_expression(text):
    try:
        parse(text)
    except BadExpression as error:
        assert "expected" in str(error)


def test_nothing_of_the_text_is_run(tmp_path):
    """Audit hooks see every compile, exec, import and open that a text could cause."""
    script = (
        "import sys\n"
        "from actscope.activations._expression import parse\n"
        "from actscope.errors import BadExpression\n"
        "parse('x*sigmoid(x) + mish(x)')\n"
        "seen = []\n"
        "sys.addaudithook(lambda event, args: seen.append((event, args)))\n"
        "parse('x*tanh(2*x)')\n"
        "try:\n"
        "    parse('__import__(x)')\n"
        "except BadExpression:\n"
        "    pass\n"
        "print({event for event, args in seen if event in ('exec', 'import', 'open')})\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
