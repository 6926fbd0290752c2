"""`actscope list` and `actscope show`: every record is in the table, readings are the record's."""

import io

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from actscope.activations._lookup import SHELF, VECTORS
from actscope.activations._table import catalogue, readings
from actscope.cli import app
from actscope.cli._draw import BLANK, chart

ELEMENTWISE = list(SHELF.names())


def run(*words):
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "200"}, catch_exceptions=False)


def test_list_names_every_activation_with_its_use():
    done = run("list")
    assert done.exit_code == 0
    for name, row in catalogue().iterrows():
        assert any(line.split()[:1] == [name] for line in done.output.splitlines()), name
        assert row["use_case"] in done.output


def test_list_csv_is_the_table():
    table = pd.read_csv(io.StringIO(run("list", "--csv").output), keep_default_na=False)
    assert table["name"].tolist() == ELEMENTWISE
    assert table["source"].str.len().min() > 10


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_show_prints_the_facts_and_draws(name):
    done = run("show", name)
    record = SHELF.get(name)
    assert done.exit_code == 0
    for fact in (record.label, record.formula, record.derivative, str(record.range)):
        assert fact in done.output
    assert any(ord(c) > BLANK and ord(c) < BLANK + 256 for c in done.output)


def test_show_reads_off_value_and_slope():
    output = run("show", "gelu", "-x", "1").output
    assert "0.841345   1.08332" in output


def test_show_names_both_slopes_at_a_kink_only():
    assert "0 | 1" in run("show", "relu", "-x", "0").output
    assert " | " not in run("show", "relu", "-x", "1").output.split("right")[1]


def test_show_takes_parameters():
    assert "0.1 | 1" in run("show", "leaky_relu", "--set", "slope=0.1", "-x", "0").output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["rellu"], "did you mean 'relu'"),
        (["relu", "--set", "slope=1"], "no parameter 'slope'"),
        (["leaky_relu", "--set", "slope=2"], "expected a number in ["),
        (["leaky_relu", "--set", "slope"], "expected NAME=NUMBER"),
        (["leaky_relu", "--set", "slope=a"], "expected NAME=NUMBER"),
    ],
)
def test_bad_words_end_in_one_message_and_exit_code_2(words, says):
    done = CliRunner().invoke(app, ["show", *words])
    assert done.exit_code == 2
    assert says in done.output
    assert "Traceback" not in done.output


def test_readings_have_both_sides_of_a_kink():
    row = readings("abs", [0.0]).iloc[0]
    assert (row["slope_left"], row["slope_right"]) == (-1.0, 1.0)


def test_chart_puts_a_rising_line_from_the_lower_left_to_the_upper_right():
    x = np.linspace(0, 1, 101)
    lines = chart(x, {"bold": x}, width=10, height=5).plain.splitlines()
    assert len(lines) == 7
    assert lines[0].endswith(tuple(chr(BLANK + b) for b in range(1, 256)))
    assert lines[4][11] != " " and lines[0][11] == " "


def test_chart_leaves_a_gap_where_there_is_no_number():
    x = np.linspace(0, 1, 101)
    y = np.where(x < 0.5, 1.0, np.nan)
    row = chart(x, {"bold": y}, width=10, height=4).plain
    assert sum(BLANK < ord(c) < BLANK + 256 for c in row) == 5


@pytest.mark.parametrize("name", VECTORS.names())
def test_show_sets_the_naive_form_beside_the_stable_one(name):
    output = run("show", name).output
    row = next(line for line in output.splitlines() if line.split()[:1] == ["1000"])
    assert "nan" in row
    stable = VECTORS.get(name)([1000.0, 999.0, 0.0])[0]
    assert f"{stable:.6g}" in row
    assert name in run("list").output


@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_plot_writes_the_picture_that_its_name_asks_for(kind, start, tmp_path):
    target = tmp_path / f"some.{kind}"
    done = run("plot", "relu", "x*sigmoid(1.7*x)", "--out", str(target))
    assert done.exit_code == 0
    assert target.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["relu", "--out", "a.txt"], "ends in .png or .svg"),
        (["softmax"], "acts on whole vectors"),
        (["gelv"], "did you mean 'gelu'"),
        (["relu", "--span", "-1"], "positive number"),
        (["relu", "--out", "/proc/nowhere/a.png"], "cannot write"),
    ],
)
def test_plot_refuses_and_writes_nothing(words, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["plot", *words])
    assert done.exit_code == 2
    assert says in done.output
    assert not list(tmp_path.iterdir())
