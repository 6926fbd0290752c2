"""Spaces: what they hold, how many, and what they refuse; specs round trip through TOML."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actscope.activations import activation
from actscope.errors import BadSpec, UnknownName
from actscope.searches.setup import Setup
from actscope.searches.space import PALETTE, SENTENCE, Choice, Space
from actscope.study.file import dumps, loads

SMALL = Space(2, ("relu", "tanh"), ("gain", "he"), (False,), (False, True), grammar=False)


def test_the_palette_is_made_of_different_activations():
    assert len({activation(name).key for name in PALETTE}) == len(PALETTE)


def test_size_counts_every_point_once():
    every = {
        SMALL.choice(dict(zip(SMALL.names(), values, strict=True)))
        for values in itertools.product(*SMALL.variables().values())
    }
    assert len(every) == SMALL.size == 16


def test_one_activation_for_all_layers_where_it_is_no_hybrid():
    space = Space(3, ("relu", "tanh"), ("gain",), (False,), (False,), grammar=False, hybrid=False)
    assert space.size == 2
    assert space.choice(space.uniform("tanh")).activations == ("tanh",) * 3


def test_a_sentence_stands_where_a_layer_asks_for_it():
    space = Space(2, ("relu",), ("gain",), (False,), (False,))
    sentence = {"left": "identity", "right": "sigmoid", "scale": 1.7, "join": "times"}
    values = space.uniform("relu") | {"layer2": "expression"} | sentence
    assert space.choice(values).activations == ("relu", "(x)*sigmoid(1.7*x)")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"depth": 0}, BadSpec, "depth"),
        ({"activations": ("relu", "relu")}, BadSpec, "differ"),
        ({"activations": ("rellu",)}, UnknownName, "relu"),
        ({"activations": (), "grammar": False}, BadSpec, "at least one"),
        ({"inits": ("hee",)}, BadSpec, "init"),
        ({"norm": ("yes",)}, BadSpec, "norm"),
    ],
)
def test_what_cannot_be_is_refused(change, error, words):
    with pytest.raises(error, match=words):
        Space(**{"depth": 2} | change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lrs": (0.0,)}, "above 0"), ({"trials": 0}, "trials"), ({"sampler": "best"}, "tpe"),
        ({"keep": 1}, "keep"), ({"width": 0}, "width"), ({"data": "moon"}, "moons"),
        ({"validation_share": 1.0}, "validation_share"), ({"optimiser": "lion"}, "optimiser"),
        ({"points": 3}, "points"), ({"final_seeds": 1}, "final_seeds"),
    ],
)  # fmt: skip
def test_a_setup_that_cannot_be_is_refused(change, words):
    with pytest.raises(BadSpec, match=words) as caught:
        Setup(**{"space": SMALL} | change)
    assert "Study." not in str(caught.value)


@st.composite
def choices(draw):
    depth = draw(st.integers(1, 4))
    space = Space(depth, ("relu", "leaky_relu(slope=0.3)", "tanh", "x*tanh(2*x)"))
    values = {n: draw(st.sampled_from(list(a))) for n, a in space.variables().items()}
    return space, space.choice(values)


@given(choices())
@settings(max_examples=25, deadline=None)
def test_a_choice_becomes_a_spec_and_comes_back(found):
    space, choice = found
    study = Setup(space=space).study(choice, lr=0.1, name="best", seeds=20)
    again = loads(dumps(study))
    assert [c.id for c in again.plan().cells] == [c.id for c in study.plan().cells]
    net = again.plan().cells[0].net()
    assert [a(0.37).item() for a in net.activations] == [
        activation(name)(0.37).item() for name in choice.activations
    ]
    assert (net.norm, net.residual) == (choice.norm, choice.residual)


def test_runs_of_equal_layers_are_folded():
    assert Choice(("relu", "relu", "tanh"), "he").phi == "relu×2/tanh"
    assert Choice(("relu", "relu"), "he", norm=True).label == "relu, he, norm"


def test_the_variables_of_a_sentence_are_the_grammar_s():
    assert set(SENTENCE) == {"left", "right", "scale", "join"}
