"""The verdict follows from the numbers: planted accounts must come out as what they are."""

import numpy as np
import pytest

from actscope.assessment.measured import Accounts
from actscope.assessment.verdict import middle, verdict

DEPTHS = (2, 8)


def accounts(
    init="article", fidelity=(0.9, 0.9, 0.9), bits=(2.0, 5.0), ratio=(1.0, 1.0), formats=()
):
    """Accounts of 3 networks: fidelity at layers 1, 2, 8; bits and gradient ratio by depth."""

    def at_layers(values):
        layers = np.full((3, 9), np.nan)
        layers[:, [1, 2, 8]] = values
        return layers

    read = dict.fromkeys(("float64", "float32", "bfloat16"), fidelity) | dict(formats)
    gradients = {d: np.full((3, d + 1), r) for d, r in zip(DEPTHS, ratio, strict=True)}
    return Accounts(
        key="made up",
        init=init,
        depths=DEPTHS,
        fidelity={kind: at_layers(values) for kind, values in read.items()},
        exact={},
        bits_needed=np.tile(bits, (3, 1)),
        gradients=gradients,
        optimiser={},
    )


def sentences(**planted):
    return verdict({"article": accounts(**planted)})


@pytest.mark.parametrize(
    ("fidelity", "says"),
    [
        ((1.0, 0.95, 0.90), "is kept"),
        ((1.0, 0.95, 0.50), "thins out"),
        ((1.0, 0.95, 0.05), "is lost"),
        ((1.0, 0.95, -0.3), "is lost"),
        ((1.0, 0.95, np.nan), "is lost"),
        ((0.5, 0.60, 0.60), "is kept"),
        ((0.7, 0.99, 0.70), "thins out"),
        ((-0.1, -0.1, -0.1), "is lost"),
        ((-0.02, -0.02, 0.05), "is lost"),
    ],
)
def test_the_exact_account_follows_the_fidelity(fidelity, says):
    assert f"the distance to the boundary {says} (" in sentences(fidelity=fidelity)[0]


@pytest.mark.parametrize(
    ("formats", "says"),
    [
        ({}, "95 % of it fits every format ("),
        ({"bfloat16": (0.9, 0.86, 0.86)}, "fits every format ("),
        ({"bfloat16": (0.9, 0.86, 0.85)}, "no longer fits bfloat16 at depth 8 ("),
        (
            {"bfloat16": (0.9, 0.9, 0.1), "int8": (0.9, 0.2, 0.9), "float32": (0.9, 0.9, np.nan)},
            "no longer fits int8 at depth 2, float32 and bfloat16 at depth 8 (",
        ),
    ],
)
def test_the_format_account_follows_the_rounded_fidelity(formats, says):
    assert says in sentences(formats=formats)[1]


@pytest.mark.parametrize(
    ("fidelity", "says"),
    [
        ((0.9, 0.9, -0.01), "fits every format, and at depth 8 there is nothing left to round ("),
        ((0.9, 0.04, np.nan), "weights there is nothing left to round ("),
    ],
)
def test_what_float64_has_lost_no_format_can_lose(fidelity, says):
    assert says in sentences(fidelity=fidelity, formats={"int8": (0.9, 0.9, -5.0)})[1]


def test_bits_stand_as_they_were_measured():
    assert "mantissa bits needed 5.5, – at depths 2, 8" in sentences(bits=(5.5, np.nan))[1]


@pytest.mark.parametrize(
    ("ratio", "says"),
    [
        (0.2, "arrives"),
        (9.0, "arrives"),
        (0.05, "shrinks"),
        (1e-4, "vanishes"),
        (0.0, "vanishes"),
        (50.0, "grows"),
        (1e5, "explodes"),
        (np.nan, "has no ratio, being 0 or not finite"),
    ],
)
def test_the_optimisers_account_follows_the_gradient(ratio, says):
    assert f"the gradient {says} (" in sentences(ratio=(1.0, ratio))[2]


def test_inits_of_one_state_share_a_clause_and_others_do_not():
    same = verdict({i: accounts(i) for i in ("critical", "article")})[0]
    assert "with critical and article weights the distance" in same
    assert same.count("weights") == 1
    apart = verdict({"critical": accounts(), "article": accounts(fidelity=(0.9, 0.5, 0.0))})[0]
    assert apart.count("weights") == 2
    assert "is kept" in apart and "is lost" in apart


def test_middle_is_the_median_of_what_is_there():
    assert middle(np.array([1.0, np.nan, 3.0, 2.0])) == 2.0
    assert np.isnan(middle(np.array([np.nan])))
