"""The files of a run: every number is on the page and in the data, exactly."""

import csv
import io
import json

import numpy as np
import pytest

from actscope.article.comparison import compare
from actscope.article.run import reproduce
from actscope.article.seeds import SeedStudy
from actscope.article.setup import Setup
from actscope.figures.article import FIGURES
from actscope.report.page import show_cell
from actscope.report.reproduction import lead, reproduction_files, verdict
from actscope.report.seeds import seed_report

COMMAND = "actscope reproduce --activations sigmoid,relu --seed 42"


@pytest.fixture(scope="module")
def result():
    return reproduce()


@pytest.fixture(scope="module")
def files(result):
    return reproduction_files(result, compare(result), COMMAND)


def test_every_file(files):
    figures = {f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")}
    assert set(files) == {"index.html", "numbers.csv", "numbers.json", "losses.csv"} | figures
    assert all(files.values())


def test_the_page_says_everything(files, result, read):
    reader = read(files["index.html"])
    for number in result.numbers():
        assert show_cell(number.value) in reader.text
    for piece in (COMMAND, "seed", "numpy", "python", "platform", "All 46 numbers", "roughly"):
        assert piece in reader.text
    assert len(reader.ids) == len(set(reader.ids))
    assert all(a.startswith(("#", "data:")) for a in reader.addresses)
    assert reader.tags.count("figure") == 5


def test_data_are_exact(files, result):
    rows = list(csv.DictReader(io.StringIO(files["numbers.csv"].decode())))
    for row, number in zip(rows, result.numbers(), strict=True):
        assert (row["activation"], row["quantity"], row["place"]) == number[:3]
        assert float(row["value"]) == number.value
    losses = list(csv.DictReader(io.StringIO(files["losses.csv"].decode())))
    np.testing.assert_array_equal([float(r["relu"]) for r in losses], result["relu"].losses)
    content = json.loads(files["numbers.json"])
    assert content["reproduced"] is True
    assert content["setup"]["seed"] == 42
    assert len(content["numbers"]) == len(result.numbers())
    assert content["claims"][0]["measured"] == result["sigmoid"].losses[399]


def test_a_diverged_run_is_still_json(read):
    result = reproduce(["x**3"], setup=Setup(epochs=10, lr=0.5))
    found = compare(result)
    files = reproduction_files(result, found, COMMAND)
    content = json.loads(files["numbers.json"])
    assert content["reproduced"] is None
    assert None in [n["value"] for n in content["numbers"]]
    assert "prints no number about" in read(files["index.html"]).text
    assert "x**3 diverged at epoch" in lead(result, found)


def test_verdicts(result):
    found = compare(result)
    assert "are met" in verdict(found)
    wrong = type(found)(found.rows, 46, 0.5, ((result.numbers()[0], 1.0),))
    assert verdict(wrong).startswith("1 of 46 numbers")
    assert "not the published run" in verdict(compare(reproduce(["tanh"]))).lower()


def test_an_expression_cannot_break_the_page(read):
    result = reproduce(["where(x<0,0.1*x,x)"], setup=Setup(epochs=2))
    reader = read(reproduction_files(result, compare(result), "x < y & z")["index.html"])
    assert "x < y & z" in reader.text


def test_seed_files(result, read):
    rng = np.random.default_rng(1)
    studies = [SeedStudy(o, rng.random(25), rng.random(25)) for o in result.outcomes]
    section, files = seed_report(studies, 42)
    assert set(files) == {"seeds.png", "seeds.svg", "seeds.csv"}
    rows = list(csv.DictReader(io.StringIO(files["seeds.csv"].decode())))
    assert len(rows) == 50
    assert float(rows[30]["last_loss"]) == studies[1].losses[5]
    page = reproduction_files(result, compare(result), COMMAND, more=[section])["index.html"]
    assert "How typical this seed is" in read(page).text
    assert show_cell(studies[0].loss_percentile) in read(page).text
