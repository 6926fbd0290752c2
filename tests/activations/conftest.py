"""What the tests of the shelf share: its settings, and an oracle in many digits."""

import ast
from collections.abc import Callable

import mpmath
import numpy as np
import pytest

from actscope.activations import SHELF, Activation

ORACLE_BITS = 1300  # 1 + erf(−38) cancels 1100 bits, and the rest still has to be right


def settings_of(record: Activation) -> list[Activation]:
    """The record at its defaults, and with each parameter near both ends and in the middle."""
    found = [record]
    for p in record.params:
        low, high = max(p.allowed.low, -100.0), min(p.allowed.high, 100.0)
        for share in (0.05, 0.35, 0.9):
            # evenly on a log scale where the parameter is a positive scale
            value = low * (high / low) ** share if low > 0 else low + (high - low) * share
            value = float(np.float32(value))  # so that both types are asked the same question
            other = {q.name: v for q, v in zip(record.params, record.values, strict=True)}
            if record.rule is None or record.rule.holds(*{**other, p.name: value}.values()):
                found.append(record.with_params(**{p.name: value}))
    return found


ALL = [one for record in SHELF for one in settings_of(record)]


def pytest_generate_tests(metafunc):
    """Run a test that takes `record` on every record, and one that takes `one` on all settings."""
    if "record" in metafunc.fixturenames:
        metafunc.parametrize("record", list(SHELF), ids=lambda a: a.name)
    if "one" in metafunc.fixturenames:
        metafunc.parametrize("one", ALL, ids=lambda a: a.key)


class _Exact(ast.NodeTransformer):
    """Numbers of the text as decimals of many digits, so that 1/6 is not a float."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.parse(f"number('{node.value}')", mode="eval").body


WORDS: dict[str, object] = {
    **{n: getattr(mpmath, n) for n in ("exp", "log", "log1p", "expm1", "tanh", "erf", "sqrt")},
    **{n: getattr(mpmath, n) for n in ("sin", "cos", "sign")},
    "abs": abs,
    "min": min,
    "max": max,
    "number": mpmath.mpf,
    "where": lambda condition, yes, no: yes if condition else no,
    "relu": lambda x: max(x, 0),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "__builtins__": {},
}


def exact_function(text: str, settings: dict[str, float]) -> Callable[[float], mpmath.mpf]:
    """A formula of the catalogue as a function of one number, in many digits."""
    code = compile(
        ast.fix_missing_locations(_Exact().visit(ast.parse(text, mode="eval"))), text, "eval"
    )

    def value(x: float) -> mpmath.mpf:
        # between these bounds nothing in the catalogue cancels more than 60 bits
        with mpmath.workprec(160 if 1e-3 < abs(x) < 5 or x == 0 else ORACLE_BITS):
            names = {k: mpmath.mpf(v) for k, v in settings.items()}
            constants = {"pi": +mpmath.pi, "e": +mpmath.e}
            return mpmath.mpf(eval(code, WORDS, {**constants, **names, "x": mpmath.mpf(x)}))

    return value


@pytest.fixture(scope="session")
def exact():
    """`exact(one, "f")` and `exact(one, "df")`: the oracle of an activation."""

    def make(one: Activation, which: str) -> Callable[[float], mpmath.mpf]:
        text = one.formula if which == "f" else one.derivative
        return exact_function(text, dict(one.settings))

    return make


@pytest.fixture(scope="session")
def ulps():
    """`ulps(got, exact_value, at=None)`: the error in units of the last place of `at`."""

    def count(got: np.floating, value: mpmath.mpf, at: float | None = None) -> float:
        kind = type(got)
        with np.errstate(over="ignore", under="ignore"):
            rounded = kind(float(value))
        if not np.isfinite(rounded) or not np.isfinite(got):
            return 0.0 if got == rounded else np.inf
        with mpmath.workprec(ORACLE_BITS):
            unit = abs(float(np.spacing(rounded if at is None else kind(at))))
            return float(abs(mpmath.mpf(float(got)) - value) / unit)

    return count
