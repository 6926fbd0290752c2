"""`assess` as a whole: against SCIENCE's story of the sigmoid, and every face it has."""

import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

import actscope
from actscope.cli import app
from actscope.errors import BadExpression, InputError, UnknownName
from actscope.figures.assessment import FIGURES
from actscope.report.assessment import assessment_files


@pytest.fixture(scope="module")
def sigmoid():
    return actscope.assess("sigmoid", depths=(8, 2), seeds=3, compare=("relu",))


def at(found, key, init, depth):
    t = found.table
    return t[(t.activation == key) & (t.init == init) & (t.depth == depth)].iloc[0]


def test_the_article_s_sigmoid_keeps_in_float64_what_it_loses_in_bfloat16(sigmoid):
    row = at(sigmoid, "sigmoid", "article", 8)
    assert row["fidelity float64"] > 0.9
    assert row["fidelity bfloat16"] < 0.3
    assert row["bits_needed"] > 15
    assert row["gradient_ratio"] < 1e-3
    assert "bfloat16" in sigmoid.verdict[1]


def test_relu_keeps_its_bits_and_its_gradient(sigmoid):
    row = at(sigmoid, "relu", "article", 8)
    assert row["bits_needed"] < 7
    assert 0.05 < row["gradient_ratio"] < 20
    assert row["dead_fraction"] > 0


def test_critical_weights_bring_the_sigmoid_s_gradient_back(sigmoid):
    assert sigmoid.subject.theory.recommended.init == "critical"
    assert 0.1 < at(sigmoid, "sigmoid", "critical", 8)["gradient_ratio"] < 10


def test_depths_are_sorted_and_the_table_has_a_row_for_each(sigmoid):
    assert sigmoid.setup.depths == (2, 8)
    assert len(sigmoid.table) == 2 * 2 * 2


def test_the_same_call_gives_the_same_numbers(sigmoid):
    again = actscope.assess("sigmoid", depths=(2, 8), seeds=3, compare=("relu",))
    assert again.verdict == sigmoid.verdict
    assert again.table.equals(sigmoid.table)


def test_a_peer_s_numbers_do_not_depend_on_who_is_asked_about(sigmoid):
    relu = actscope.assess("relu", depths=(2, 8), seeds=3, compare=())
    mine = relu.table.set_index(["init", "depth"]).sort_index()
    theirs = sigmoid.table[sigmoid.table.activation == "relu"]
    theirs = theirs.set_index(["init", "depth"]).sort_index()
    assert mine.equals(theirs)


def test_json_holds_every_measurement(sigmoid):
    found = json.loads(sigmoid.to_json())
    assert [a["key"] for a in found["activations"]] == ["sigmoid", "relu"]
    assert len(found["measured"]) == len(sigmoid.table)
    first = found["measured"][0]["fidelity float64"]
    np.testing.assert_allclose(first, sigmoid.table["fidelity float64"].iloc[0], rtol=1e-15)
    assert found["activations"][1]["theory"]["xi_c"] == "inf"


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_has_titles_labels_and_the_subject(sigmoid, name):
    figure = FIGURES[name](sigmoid)
    words = [t.get_text() for t in figure.findobj(lambda o: hasattr(o, "get_text"))]
    assert any("Sigmoid" in w for w in words) or name == "value_and_slope"
    for ax in figure.axes:
        assert ax.get_xlabel() and (ax.get_title(loc="left") or ax.get_title())
        assert ax.lines


def test_the_page_stands_alone_and_carries_the_numbers(sigmoid):
    files = assessment_files(sigmoid, "actscope assess sigmoid")
    page = files["index.html"].decode()
    assert sigmoid.verdict[1].split("(")[0] in page
    assert "actscope assess sigmoid" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert {f"{n}.{kind}" for n in FIGURES for kind in ("png", "svg")} < set(files)


@pytest.mark.parametrize(
    "name", ["exp(x)", "x**3", "squared_relu", "sqrt(abs(x))", "where(x>0,1,-1)", "max(x-6,0)"]
)
def test_what_explodes_dies_or_has_no_slope_is_assessed_without_a_warning(name):
    found = actscope.assess(name, depths=(1, 8), seeds=2, compare=())
    json.loads(found.to_json())
    assert all(sentence.endswith(").") for sentence in found.verdict)


def test_an_expression_is_assessed():
    found = actscope.assess("x*sigmoid(1.7*x)", depths=(2,), seeds=2, compare=())
    assert found.subject.theory.torch_gain is None
    assert len(found.verdict) == 3 and math.isfinite(found.subject.theory.gain)


@pytest.mark.parametrize(
    ("error", "options", "says"),
    [
        (UnknownName, {"name": "sigmoed"}, "sigmoid"),
        (BadExpression, {"name": "x +"}, "column"),
        (InputError, {"name": "2"}, "constant"),
        (InputError, {"name": "0*x"}, "is 0"),
        (InputError, {"name": "1/x"}, "infinite"),
        (InputError, {"name": "exp(x**2)"}, "infinite"),
        (InputError, {"name": "log(x)"}, "not finite"),
        (InputError, {"name": "x*1e200"}, "not finite"),
        (InputError, {"depths": ()}, "at least one"),
        (InputError, {"depths": (0,)}, "depths"),
        (InputError, {"depths": (65,)}, "depths"),
        (InputError, {"width": 0}, "width"),
        (InputError, {"seeds": 1}, "seeds"),
        (InputError, {"data": "digits"}, "boundary"),
        (UnknownName, {"data": "moon"}, "moons"),
        (InputError, {"formats": ("float7",)}, "float7"),
    ],
)
def test_what_cannot_be_is_refused_by_name(error, options, says):
    with pytest.raises(error, match=says):
        actscope.assess(**{"name": "relu", **options})


def test_the_command_prints_the_verdict_and_writes_the_page(tmp_path):
    words = ["assess", "tanh", "--depth", "2", "--seeds", "2", "--out", str(tmp_path / "page")]
    done = CliRunner().invoke(app, words, env={"COLUMNS": "100"}, catch_exceptions=False)
    assert done.exit_code == 0
    assert "As the optimiser sees it, with" in done.output
    assert (tmp_path / "page" / "index.html").exists()


def test_the_command_prints_json_that_parses():
    done = CliRunner().invoke(app, ["assess", "tanh", "--depth", "2", "--seeds", "2", "--json"])
    assert json.loads(done.stdout)["activations"][0]["key"] == "tanh"


@pytest.mark.parametrize("words", [["rellu"], ["relu", "--depth", "two"], ["relu", "--data", "x"]])
def test_the_command_refuses_with_one_message(words):
    done = CliRunner().invoke(app, ["assess", *words])
    assert done.exit_code == 2
    assert done.output.startswith("error: ")
