"""What the tests of maths/ share: the facts, and activations as plain functions."""

import json
from pathlib import Path

import pytest

from actscope.activations import activation

FACTS = Path(__file__).parents[1] / "facts"


def plain(name, **settings):
    """(f, df, kinks) of an activation; "leaky_relu_0.01" is leaky_relu with that slope."""
    if name.startswith("leaky_relu_"):
        name, settings = "leaky_relu", {"slope": float(name.removeprefix("leaky_relu_"))}
    a = activation(name, **settings)
    return (lambda x: a.f(x, *a.values)), (lambda x: a.df(x, *a.values)), a.kinks


@pytest.fixture(name="plain", scope="session")
def _plain():
    return plain


def pytest_generate_tests(metafunc):
    if "gaussian_fact" in metafunc.fixturenames:
        facts = json.loads((FACTS / "gaussian.json").read_text())["activations"]
        metafunc.parametrize("gaussian_fact", facts.items(), ids=facts)
    if "edge_fact" in metafunc.fixturenames:
        facts = json.loads((FACTS / "edge_of_chaos.json").read_text())
        metafunc.parametrize("edge_fact", facts.items(), ids=facts)
