"""Questions in SQL: right answers, and nothing is changed by asking."""

import numpy as np
import pandas as pd
import pytest

from actscope.errors import InputError
from actscope.study import StudyResult
from actscope.study.query import MEASURED


@pytest.fixture(scope="module")
def result(stored):
    return StudyResult(stored)


def test_the_table_has_every_trial_once_with_its_settings(result):
    table, plan = result.table(), result.study.plan()
    assert sorted(table.id) == sorted(plan.ids())
    for cell in plan.cells:
        mine = table[table.cell == cell.id]
        assert sorted(mine.seed) == list(range(6))
        assert set(mine.activation) == {cell.activation}
        assert set(mine.lr) == {cell.lr}


def test_cells_are_the_means_of_their_trials(result):
    table = result.table()
    cells = result.query("SELECT * FROM cells").set_index("cell")
    by_cell = table.groupby("cell")
    pd.testing.assert_series_equal(
        cells.test_accuracy.sort_index(), by_cell.test_accuracy.mean(), check_dtype=False
    )
    failed = by_cell.failed.mean().astype(float)
    np.testing.assert_allclose(cells.failure_rate.sort_index(), failed)
    assert set(cells.trials) == {6}


def test_curves_and_traces_are_one_row_a_measurement(result):
    counts = {
        view: int(result.query(f"SELECT count(*) AS n FROM {view}").n[0]) for view in MEASURED
    }
    # curves: 4 points; traces: at epochs 0 and 20, effective_rank of 3 layers and test_accuracy
    assert counts == {"trials": 24, "cells": 4, "curves": 24 * 4, "traces": 24 * 2 * 4}
    last = result.query(
        "SELECT max(abs(t.test_accuracy - c.accuracy)) AS apart FROM trials t JOIN curves c "
        "USING (id) WHERE c.epoch = t.epochs"
    )
    assert last.apart[0] < 1e-6
    assert set(result.traces().layer) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    "sql",
    [
        "COPY trials TO '{out}/a.csv'",
        "COPY (SELECT 1) TO '{trials}/a.parquet' (FORMAT parquet)",
        "CREATE TABLE a (i INT)",
        "DROP VIEW trials",
        "DELETE FROM trials",
        "INSERT INTO trials SELECT * FROM trials",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT content FROM read_text('{trials}/../study.json')",
        "SELECT * FROM glob('/*')",
        "ATTACH '{out}/b.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SELECT 1; SELECT 2",
        "SELECT 1; COPY trials TO '{out}/a.csv'",
        "",
        "SELEC 1",
        "SELECT nothing FROM trials",
    ],
)
def test_whatever_is_no_single_question_is_refused_and_changes_nothing(result, tmp_path, sql):
    folder = result.folder
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in sorted(folder.rglob("*"))}
    with pytest.raises(InputError):
        result.query(sql.format(out=tmp_path, trials=folder / "trials"))
    after = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in sorted(folder.rglob("*"))}
    assert before == after
    assert list(tmp_path.iterdir()) == []


def test_a_question_may_be_any_select(result):
    both = result.query("WITH a AS (SELECT 1 AS x UNION ALL SELECT 2) SELECT sum(x) AS s FROM a")
    assert both.s[0] == 3
    assert "test_accuracy" in set(result.query("DESCRIBE trials").column_name)


def test_a_folder_with_a_quote_in_its_name(study, tmp_path):
    assert len(study(seeds=2).run(tmp_path / "it's")) == 8


def test_a_result_shows_itself(result):
    assert repr(result) == "StudyResult(study, 24 of 24 trials)"
    assert "first 20 cells" in result._repr_html_()
    assert result.study.run(result.folder).table().equals(result.table())


def test_a_plot_has_one_point_a_cell(result):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    axes = result.plot()
    drawn = np.concatenate([c.lines[0].get_ydata() for c in axes.containers])
    np.testing.assert_allclose(sorted(drawn), sorted(result.cells().accuracy))
    assert [t.get_text() for t in axes.get_xticklabels()] == ["relu", "tanh"]
    plt.close(axes.figure)
