"""Grids become cells and trials; ids depend on content and on nothing else."""

import hashlib
import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actscope.activations import activation
from actscope.datasets import dataset
from actscope.errors import BadSpec
from actscope.study import Study

# Written by hand from the rule in cell.py: changing it would orphan every stored trial.
CONTENT = {
    "format": 1,
    "activations": [{"name": "leaky_relu", "slope": 0.1}] * 2,
    "depth": 2,
    "width": 8,
    "init": "he",
    "optimiser": "adam",
    "lr": 1.0,
    "epochs": 10,
    "batch": 64,
    "weight_decay": 0.0,
    "data": {"name": "moons", "noise": 0.18},
    "points": 400,
    "test_share": 0.25,
    "data_seed": 0,
    "norm": False,
    "residual": False,
    "dtype": "float32",
    "trace": None,
    "curve": 20,
}
LEAKY = {"name": "leaky_relu", "slope": 0.1}


def by_hand(content, seed):
    text = json.dumps(content, sort_keys=True, separators=(",", ":")) + f"\n{seed}"
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def one(**fields):
    plan = Study(**fields).plan()
    assert len(plan.cells) == 1
    return plan.cells[0]


def test_an_id_is_the_hash_of_the_content():
    cell = one(activation=LEAKY, init="he", optimiser="adam", lr=1, epochs=10)
    assert cell.content == CONTENT
    assert cell.trial_id(7) == by_hand(CONTENT, 7) == "d7b1214c9b1326d3c183"


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"lr": 1}, {"lr": 1.0}),
        ({"lr": 0.1}, {"lr": np.float64("1e-1")}),
        ({"weight_decay": -0.0}, {"weight_decay": 0}),
        ({"epochs": np.int64(30)}, {"epochs": 30}),
        ({"data": "moons"}, {"data": {"name": "moons", "noise": 0.18}}),
        ({"data": {"name": "blobs", "noise": 2}}, {"data": {"noise": 2.0, "name": "blobs"}}),
        ({"data": {"name": "moons", "noise": 0.3}}, {"data": "moons", "noise": 0.3}),
        ({"data": "moons"}, {"data": dataset("moons")}),
        ({"activation": "x * sigmoid(1.70*x)"}, {"activation": "x*sigmoid(1.7*x)"}),
        ({"activation": "max(x, .5*x)"}, {"activation": "max(x,0.50*x)"}),
        ({"activation": "x**2.0"}, {"activation": "x**2"}),
        ({"activation": "leaky_relu"}, {"activation": {"name": "leaky_relu"}}),
        ({"activation": LEAKY}, {"activation": activation("leaky_relu", slope=0.1)}),
        ({"activation": "relu"}, {"activation": [["relu", "relu"]]}),
        ({"name": "one"}, {"name": "two"}),
        ({"seeds": 5}, {"seeds": [4, 0, 1]}),
        (
            {"trace": {"metrics": ["cka", "spread"], "every": 5}},
            {"trace": {"every": 5, "metrics": ["spread", "cka"]}},
        ),
    ],
)
def test_two_spellings_are_one_cell(a, b):
    assert one(**a).trial_id(0) == one(**b).trial_id(0)


CHANGES = {
    "activation": ["tanh", LEAKY, "x**2", "x**3"],
    "depth": [3],
    "width": [9],
    "init": ["he"],
    "optimiser": ["adam"],
    "lr": [0.1, 0.10000000000000002],
    "epochs": [801],
    "batch": [32],
    "weight_decay": [0.1],
    "data": ["circles", {"name": "moons", "noise": 0.2}],
    "points": [401, 300],
    "test_share": [0.3],
    "data_seed": [1],
    "norm": [True],
    "residual": [True],
    "dtype": ["float64"],
    "trace": [{"metrics": ["cka"]}, {"metrics": ["cka"], "formats": ["int8"]}],
    "curve": [0],
}


def test_whatever_changes_a_row_changes_the_id():
    assert set(CHANGES) == {
        f for f in Study.__dataclass_fields__ if f not in ("name", "noise", "seeds", "grid")
    }
    cells = [one(), *(one(**{key: v}) for key, values in CHANGES.items() for v in values)]
    ids = [cell.trial_id(seed) for cell in cells for seed in (0, 1)]
    assert len(set(ids)) == len(ids)


def test_ids_do_not_depend_on_the_process():
    code = (
        "from actscope.study import Study;"
        "study = Study(activation=['relu', 'x*sigmoid(2*x)'], lr=[1, .5]);"
        "print(study.plan().cells[3].trial_id(9))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
        ).stdout
        for env in ({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2", "LC_ALL": "C"})
    }
    assert len(printed) == 1


def test_a_file_of_points_counts_by_its_content(tmp_path):
    rows = "a,b,label\n" + "".join(f"{i},{i * i},{i % 2}\n" for i in range(20))
    for place, text in (("one.csv", rows), ("two.csv", rows), ("other.csv", rows + "5,5,1\n")):
        (tmp_path / place).write_text(text)
    ids = [
        one(data={"name": "table", "path": str(tmp_path / place)}, points=20).id
        for place in ("one.csv", "two.csv", "other.csv")
    ]
    assert ids[0] == ids[1] != ids[2]


@given(
    lrs=st.lists(st.floats(0, 10), min_size=1, max_size=4, unique=True),
    depths=st.lists(st.integers(1, 64), min_size=1, max_size=3, unique=True),
    norms=st.lists(st.booleans(), min_size=1, max_size=2, unique=True),
    seeds=st.integers(1, 50),
)
def test_a_grid_is_every_combination_once(lrs, depths, norms, seeds):
    plan = Study(lr=lrs, depth=depths, norm=norms, seeds=seeds).plan()
    found = [(c.depth, c.norm, c.lr) for c in plan.cells]
    assert sorted(found) == sorted(itertools.product(depths, norms, lrs))
    assert plan.trials == len(found) * seeds == len(list(plan.ids()))
    assert len(set(plan.ids())) == plan.trials


def test_a_list_for_each_layer_is_used_at_its_own_depth():
    mixed = ["relu", "relu", "sigmoid"]
    plan = Study(activation=["relu", mixed], depth=[2, 3]).plan()
    assert [(c.depth, c.activation) for c in plan.cells] == [
        (2, "relu"),
        (3, "relu"),
        (3, "relu/relu/sigmoid"),
    ]
    assert [a.name for a in plan.cells[2].net().activations] == mixed


def test_the_loss_and_the_outputs_fit_the_data():
    two, many, none = (one(data=d) for d in ("moons", {"name": "blobs", "classes": 5}, "sine"))
    assert [c.training().loss for c in (two, many, none)] == ["bce", "cross_entropy", "mse"]
    assert [c.net().outputs for c in (two, many, none)] == [1, 5, 1]


def test_a_spec_makes_the_study_again():
    study = Study(
        activation=["relu", ["relu", LEAKY], "x*sigmoid(2*x)"],
        noise=[0.1, 0.2],
        points=[80, 100],
        seeds=[3, 1],
        trace={"metrics": ["cka"], "every": 7},
    )
    again = Study(**json.loads(json.dumps(study.spec())))
    assert again == study
    assert list(again.plan().ids()) == list(study.plan().ids())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lr": -1}, "Study.lr = -1: expected a finite number"),
        ({"lr": [0.1, "x"]}, r"Study.lr\[1\] = 'x'"),
        ({"lr": [0.1, 1e-1]}, r"Study.lr\[1\] = 0.1: expected values that differ"),
        ({"lr": []}, "at least one value"),
        ({"lr": True}, "Study.lr = True"),
        ({"activation": ["relu", "relu", "sigmoid"]}, r"\[\[…\]\]"),
        ({"activation": "rellu"}, "did you mean 'relu'"),
        ({"activation": [["relu", "relu", "tanh"]], "depth": [2, 4]}, "depth is 2, 4"),
        ({"activation": [["relu"]]}, "two or more"),
        ({"activation": "softmax"}, "whole vectors"),
        ({"activation": {"name": "leaky_relu", "slop": 1}}, "no parameter 'slop'"),
        ({"activation": {"slope": 1}}, "Study.activation.name = None"),
        ({"depth": 0}, "1 to 64"),
        ({"depth": 2.5}, "a whole number"),
        ({"width": 513}, "1 to 512"),
        ({"init": "hee"}, "did you mean 'he'"),
        ({"optimiser": 3}, "one of sgd"),
        ({"data": "moon"}, "did you mean 'moons'"),
        ({"data": {"name": "moons", "noise": -1}}, "Study.data = .*expected parameters that fit"),
        ({"data": "cifar10"}, "at most 512 numbers a point"),
        ({"noise": 0.1, "data": ["moons", "digits"]}, "digits has none"),
        ({"noise": 0.1, "data": {"name": "moons", "noise": 0.3}}, "noise in one place"),
        ({"points": 3}, '"all"'),
        ({"test_share": 1}, "between 0 and 1"),
        ({"norm": 1}, "True or False"),
        ({"dtype": "float16"}, "one of float32, float64"),
        ({"seeds": 0}, "how many"),
        ({"seeds": [1, 1]}, "values that differ"),
        ({"seeds": {"count": 3, "from": 2}}, "start = 0, count = 20"),
        ({"seeds": -3}, "how many"),
        ({"trace": {"metrics": ["cka2"]}}, "did you mean 'cka'"),
        ({"trace": {"every": 3}}, r"metrics = \[names\]"),
        ({"trace": {"metrics": ["cka"], "when": 3}}, "Study.trace.when"),
        ({"trace": {"metrics": ["cka"], "formats": ["fp8"]}}, "number format"),
        ({"trace": {"metrics": ["distance_fidelity"]}, "data": "digits"}, "digits has none"),
        ({"trace": {"metrics": ["knn_accuracy"]}, "data": "sine"}, "sine is a regression"),
        ({"curve": -1}, "0 to 1000"),
        ({"name": "a/b"}, "letters"),
        ({"seeds": 10_000_000, "lr": [0.1, 0.2]}, "at most"),
    ],
)
def test_what_cannot_be_is_refused_by_name(fields, message):
    with pytest.raises(BadSpec, match=message):
        Study(**fields)
