"""A study's page: every kind of study has one, and what it says follows from the rows."""

import dataclasses
import functools
import math
import re

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import actscope
from actscope.cli import app
from actscope.errors import InputError
from actscope.report.study import comparisons, study_files
from actscope.study import Study, StudyResult
from actscope.study.chunks import chunks
from actscope.study.file import dumps, loads
from actscope.study.progress import Tally
from actscope.study.store import Store
from actscope.study.summary import best, best_table, crossing, in_short, problems
from actscope.study.work import run_chunk

SMALL = {"epochs": 12, "points": 80, "width": 4, "seeds": 6, "curve": 4}
KINDS = {
    "nothing varies": {},
    "one seed": {"activation": ["relu", "tanh"], "seeds": 1},
    "one axis, no activation": {"lr": [0.05, 0.5, 5.0]},
    "depth": {"activation": ["relu", "sigmoid"], "depth": [1, 2, 3], "init": ["he", "critical"]},
    "layers and expressions": {
        "activation": ["x*sigmoid(1.7*x)", ["relu", "sigmoid"], {"name": "elu", "alpha": 0.5}],
        "optimiser": ["sgd", "adam"],
    },
    "regression": {"data": "sine", "activation": ["relu", "tanh"]},
    "both kinds of problem": {"data": ["sine", "moons"], "activation": ["relu", "tanh"]},
    "diverged": {"activation": ["relu", "identity"], "data": "sine", "lr": [0.1, 1e6]},
    "errors": {"activation": ["relu", "sigmoid"], "init": ["he", "tanh_equivalent"]},
    "all errors": {"init": "tanh_equivalent"},
    "traces": {
        "activation": ["relu", "tanh"],
        "init": ["he", "critical"],
        "trace": {"metrics": ["effective_rank", "gradient_ratio"], "every": 6},
    },
    "precision": {
        "activation": ["relu", "sigmoid"],
        "depth": [1, 2],
        "trace": {
            "metrics": ["test_accuracy", "spread"],
            "formats": ["float64", "int8"],
            "weights": True,
            "hand_on": True,
        },
    },
    "draws and sizes": {"points": [80, 120], "data_seed": [0, 1], "curve": 0},
}


def made(kind):
    return Study(**(SMALL | KINDS[kind]))


@functools.cache
def run(kind):
    return made(kind).run()


def rows_of(problem, **settings):
    mine = problem.trials
    for name, value in settings.items():
        mine = mine[mine[name] == value]
    return mine


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_study_has_a_page(kind):
    study = made(kind)
    files = study_files(run(kind))
    page = files["index.html"].decode()
    assert "https://" not in page.replace("http://www.w3.org", "")
    assert loads(files["study.toml"].decode()) == study
    back = pd.read_csv(pd.io.common.BytesIO(files["trials.csv"]))
    assert len(back) == study.plan().trials
    assert ("Not finished" in page) is False
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.S).split("<h2")[1].lower()
    sections = set(re.findall(r'<h2 id="([\w-]*)"', page))
    assert {"best-of-each-activation", "run-it-again", "how-it-was-run", "files"} <= sections
    assert ("layer-by-layer" in sections) is (kind in ("traces", "precision"))
    assert ("number-formats" in sections) is (kind == "precision")
    assert ("curves" in sections) is (kind not in ("draws and sizes", "all errors"))
    assert ("pairs" in sections) is (
        kind not in ("nothing varies", "draws and sizes", "all errors")
    )


def test_a_study_half_done_says_so(tmp_path):
    study = made("depth")
    half = Store(tmp_path / "s")
    half.prepare()
    half.write_record(run("depth").store.record())
    chunk = next(iter(chunks(Tally(study.plan()))))
    part = dataclasses.replace(chunk, parts=chunk.parts[:3])
    with pytest.raises(InputError, match="holds no trial yet"):
        study_files(StudyResult(tmp_path / "s"))
    half.add(run_chunk(part))
    page = study_files(StudyResult(tmp_path / "s"))["index.html"].decode()
    assert f"Not finished: {part.trials} of {study.plan().trials} trials are stored." in page


def test_the_best_cell_is_the_one_that_trained_best_and_its_score_is_the_tests():
    [problem] = problems(run("depth"))
    table = best_table(problem)
    for row in table.itertuples():
        mine = rows_of(problem, activation=row.activation)
        trained = mine.groupby("cell").train_accuracy.mean()
        assert trained[row.cell] == trained.max()
        tested = mine[mine.cell == row.cell].test_accuracy
        assert row.score == pytest.approx(tested.mean())
        assert row.low <= row.score <= row.high
        assert row.tried == 6
        assert row.failed_of_all == pytest.approx(mine.failed.astype(float).mean())


def test_a_crossing_has_each_combination_at_its_place():
    [problem] = problems(run("depth"))
    found = crossing(problem, ("activation", "init"), ("depth",))
    assert found.rows == ("relu he", "relu critical", "sigmoid he", "sigmoid critical")
    assert found.columns == ("1", "2", "3")
    for (i, j), score in np.ndenumerate(found.score):
        activation, init = found.rows[i].split()
        mine = rows_of(problem, activation=activation, init=init, depth=int(found.columns[j]))
        assert score == pytest.approx(mine.test_accuracy.mean())
        assert found.failed[i, j] == pytest.approx(mine.failed.astype(float).mean())


def test_a_regression_is_judged_by_its_loss_and_a_diverged_cell_is_never_best():
    [problem] = problems(run("diverged"))
    assert problem.regression
    assert (problem.trials.diverged_at.notna() & (problem.trials.lr > 1)).any()
    assert set(best(problem.cells, ("activation",)).lr) == {0.1}
    scores = best_table(problem).score
    assert scores.is_monotonic_increasing


def test_problems_are_kept_apart_and_named():
    labels = [p.label for p in problems(run("draws and sizes"))]
    assert sorted(labels) == [f"moons, {n} points, draw {d}" for n in (120, 80) for d in (0, 1)]
    kinds = {p.label: p.score for p in problems(run("both kinds of problem"))}
    assert kinds == {"sine": "test_loss", "moons": "test_accuracy"}


def test_words_are_said_of_pairs_that_are_told_apart_alone():
    study = Study(activation=["relu", "sigmoid", "tanh"], lr=0.05, epochs=200, seeds=20)
    result = study.run()
    frame = comparisons(problems(result)[0])
    assert set(frame.told) == {True, False}
    page = study_files(result)["index.html"].decode()
    for row in frame.to_dict("records"):
        assert (f"{row['says']}." in page) is row["told"]
        apart = row["p_holm"] < 0.05 and not row["low"] <= 0 <= row["high"]
        assert row["told"] == apart


@pytest.mark.parametrize(
    ("label", "depth", "short"),
    [
        ("relu", 3, "relu"),
        ("relu/relu/sigmoid", 3, "relu ×2 → sigmoid"),
        ("x/(1+abs(x))", 3, "x/(1+abs(x))"),
        ("sigmoid/relu", 2, "sigmoid → relu"),
    ],
)
def test_labels_of_layers_are_counted(label, depth, short):
    assert in_short(label, depth) == short


def test_the_command_writes_the_page_and_says_where(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = made("one seed").run(tmp_path / "s")
    done = CliRunner().invoke(app, ["report", "s"])
    assert done.exit_code == 0, done.output
    assert "study-report/index.html" in done.stdout.replace("\n", "")
    names = {p.name for p in (tmp_path / "study-report").iterdir()}
    assert names >= {"index.html", "best.csv", "cells.csv", "trials.csv", "study.toml"}
    assert (tmp_path / "study-report" / "study.toml").read_text() == dumps(result.study)
    assert actscope.study_report(result, tmp_path / "p").name == "index.html"
    refused = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert refused.exit_code == 2
    assert "is no study folder" in refused.stderr


def test_one_seed_has_no_interval_and_no_word():
    result = run("one seed")
    table = best_table(problems(result)[0])
    assert all(math.isnan(v) for v in (*table.low, *table.high))
    frame = comparisons(problems(result)[0])
    assert not frame.told.any()
