"""`actscope study`, `query`, `export`: what they print, what they write, how they refuse."""

import contextlib
import os
import pathlib
import pty
import re
import subprocess
import sys
import tomllib

import pandas as pd
import pytest
from typer.testing import CliRunner

from actscope.cli import app
from actscope.cli.study import duration, line
from actscope.study import Study, StudyResult
from actscope.study.file import builtins
from actscope.study.progress import Progress
from actscope.study.store import Store

SPEC = """\
activation = ["relu", "tanh"]
lr = [0.05, 0.5]
epochs = 20
points = 80
width = 4
seeds = 6
curve = 4
"""


def run(*words):
    return CliRunner().invoke(app, [str(w) for w in words], env={"COLUMNS": "100"})


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.toml").write_text(SPEC)
    return tmp_path / "grid.toml"


def test_a_study_is_trained_once_and_then_only_grows(spec):
    first = run("study", "grid.toml")
    assert first.exit_code == 0, first.output
    assert "grid: 4 cells, 24 trials; " in first.stdout
    assert "stored in grid-study; ask it: actscope query grid-study" in first.stdout
    before = StudyResult("grid-study").table()
    spec.write_text(SPEC.replace("seeds = 6", "seeds = 8"))
    assert run("study", "grid.toml").exit_code == 0
    after = StudyResult("grid-study")
    assert [r["trained"] for r in after.runs] == [24, 8]
    kept = after.table().query("seed < 6").reset_index(drop=True)
    assert kept.equals(before)
    spec.write_text(SPEC.replace('["relu", "tanh"]', '"relu"'))
    shrunk = run("study", "grid.toml")
    assert shrunk.exit_code == 2
    assert "20 of its trials are not in this one" in shrunk.stderr
    refused = run("study", "grid.toml", "--no-resume")
    assert refused.exit_code == 2
    assert "grid-study holds trials" in refused.stderr


def test_a_dry_run_trains_and_writes_nothing(spec):
    done = run("study", "grid.toml", "--dry-run", "--workers", 3)
    assert done.exit_code == 0, done.output
    assert re.fullmatch(
        r"grid: 4 cells, 24 trials\n"
        r"time, about: \d+ s with 3 workers\n"
        r"memory, about: [\d,]+ MB\n"
        r"disk, about: 0.1 MB\n",
        done.stdout,
    )
    assert [p.name for p in spec.parent.iterdir()] == ["grid.toml"]


def test_an_estimate_grows_with_the_work(study):
    from actscope.study.estimate import estimate

    few = estimate(study(epochs=200).plan(), 1)
    many = estimate(study(epochs=200, seeds=60_000).plan(), 1)
    assert many.seconds > 20 * few.seconds  # of which most is compiling
    assert 10 < many.seconds < 3600
    assert many.disk == pytest.approx(few.disk * 10_000)
    assert many.memory > few.memory


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        ("lr = -1", (), r"grid\.toml:1: lr = -1: expected"),
        ("seed = 3", (), r"did you mean 'seeds'"),
        (SPEC, ("--executor", "locall"), "did you mean 'local'"),
        (SPEC, ("--address", "x:1"), "has no address"),
        (SPEC, ("--workers", "0"), "workers = 0: expected a whole number"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(spec, text, words, message):
    spec.write_text(text)
    done = run("study", "grid.toml", *words)
    assert done.exit_code == 2
    assert re.search(message, done.stderr)
    assert not list(spec.parent.rglob("*.parquet"))


def test_failing_trials_are_told_and_do_not_stop_the_study(spec):
    spec.write_text(SPEC + 'init = ["he", "tanh_equivalent"]\n')
    done = run("study", "grid.toml")
    assert done.exit_code == 0
    assert "48 trials" in done.stdout
    assert "24 errors\nfirst error: InputError: init 'tanh_equivalent'" in done.stdout


def test_errors_are_trained_again_when_asked_and_only_then(spec, monkeypatch):
    """A failure that has gone by the next time: first a machine without room, then with."""
    from actscope.study import work

    whole = Study(**tomllib.loads(SPEC)).run().table()
    train, rows = work._rows, []

    def cramped(trials, threads):
        if any(seed == 3 for _, seed in trials):
            raise MemoryError("no room")
        rows.extend(trials)
        return train(trials, threads)

    monkeypatch.setattr(work, "_rows", cramped)
    first = run("study", "grid.toml")
    assert "4 errors\nfirst error: MemoryError: no room\nto try these again: " in first.stdout
    assert sorted({seed for _, seed in rows}) == [0, 1, 2, 4, 5]
    again = run("study", "grid.toml")
    assert "4 errors" in again.stdout  # an error is a result like any other
    assert StudyResult("grid-study").runs[-1]["trained"] == 0
    monkeypatch.setattr(work, "_rows", train)
    last = run("study", "grid.toml", "--retry-errors")
    assert "24 trials; " in last.stdout
    assert "0 errors" in last.stdout
    assert StudyResult("grid-study").runs[-1]["trained"] == 4
    assert StudyResult("grid-study").table().equals(whole)
    assert run("study", "grid.toml", "--retry-errors").exit_code == 0  # nothing left to retry


def test_a_kill_while_errors_are_dropped_loses_and_doubles_nothing(spec, monkeypatch):
    spec.write_text(SPEC.replace('"tanh"', '"sigmoid"') + 'init = "tanh_equivalent"\n')
    run("study", "grid.toml")
    whole = StudyResult("grid-study").table()
    unlink = pathlib.Path.unlink

    def killed(path, missing_ok=False):
        if path.suffix == ".parquet":
            raise KeyboardInterrupt
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(pathlib.Path, "unlink", killed)
    with contextlib.suppress(KeyboardInterrupt):
        Store("grid-study").drop_errors()
    monkeypatch.setattr(pathlib.Path, "unlink", unlink)
    done = run("study", "grid.toml", "--retry-errors")
    assert done.exit_code == 0, done.output
    assert "12 errors" in done.stdout  # which are no accident, and come again
    assert StudyResult("grid-study").table().equals(whole)


def test_a_study_that_comes_with_the_package(spec):
    done = run("study", "--builtin", "hybrid", "--dry-run")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("hybrid: 112 cells, 2,240 trials\n")
    page = " ".join(run("study", "--help").stdout.split())
    for name in builtins():
        assert name in page
    wrong = run("study", "--builtin", "rescu")
    assert wrong.exit_code == 2
    assert "did you mean 'rescue'? Known: architecture, depth," in wrong.stderr
    for words, given in (((), "neither"), (("grid.toml", "--builtin", "depth"), "both")):
        refused = run("study", *words)
        assert refused.exit_code == 2
        assert f"one of {', '.join(builtins())}; got {given}" in refused.stderr


def test_a_damaged_file_is_named_and_its_trials_are_trained_anew(spec):
    run("study", "grid.toml")
    whole = StudyResult("grid-study").table()
    path = StudyResult("grid-study").store.files()[0]
    os.truncate(path, 100)
    asked = run("query", "grid-study", "SELECT 1")
    assert asked.exit_code == 2
    assert path.name in asked.stderr
    done = run("study", "grid.toml")
    assert done.exit_code == 0
    assert f"trained anew: {path.name}: it is cut short" in done.stderr
    assert StudyResult("grid-study").table().equals(whole)


def test_query_prints_a_table_or_csv(stored):
    sql = "SELECT activation, count(*) AS n, avg(NULL) AS x FROM trials GROUP BY ALL ORDER BY ALL"
    shown = run("query", stored, sql)
    assert shown.exit_code == 0
    assert re.search(r"activation +n +x\b.*relu +12 +–.*tanh +12 +–", shown.stdout, re.S)
    assert run("query", stored, sql, "--csv").stdout == "activation,n,x\nrelu,12,\ntanh,12,\n"
    many = run("query", stored, "SELECT * FROM range(300)")
    assert "200 of 300 rows" in many.stdout
    refused = run("query", stored, "DROP VIEW trials")
    assert refused.exit_code == 2
    assert "expected one SELECT" in refused.stderr


def test_export_writes_every_row(stored, tmp_path):
    result = StudyResult(stored)
    done = run("export", stored, "--csv", tmp_path / "a.csv", "--parquet", tmp_path / "a.parquet")
    assert done.exit_code == 0, done.output
    back = pd.read_parquet(tmp_path / "a.parquet")
    assert back.equals(result.table())
    text = pd.read_csv(tmp_path / "a.csv")
    assert list(text.columns) == list(back.columns)
    assert text.test_loss.tolist() == back.test_loss.tolist()
    run("export", stored, "--csv", tmp_path / "t.csv", "--table", "traces")
    assert len(pd.read_csv(tmp_path / "t.csv")) == len(result.traces())
    for words, message in (((), "nothing to write"), (("--csv", "x", "--table", "y"), "unknown")):
        refused = run("export", stored, *words)
        assert refused.exit_code == 2
        assert message in refused.stderr
    refused = run("export", stored, "--csv", tmp_path / "no" / "x.csv")
    assert refused.exit_code == 2
    assert "No such file" in refused.stderr


def test_progress_is_one_line_of_what_is_known():
    now = Progress(3, 8, 130, 200, 2, 100, 4.0, "relu, lr 0.5", 0.9753)
    assert line(now) == (
        "3/8 cells · 130/200 trials · 25 trials/s · 3 s left · 2 errors · "
        "best: relu, lr 0.5: 0.9753"
    )
    assert line(Progress(0, 8, 0, 200, 0, 0, 0.1, "", float("nan"))) == (
        "0/8 cells · 0/200 trials · 0 trials/s · – left"
    )
    assert [duration(s) for s in (0.2, 59, 600, 9000)] == ["1 s", "59 s", "10 min", "2.5 h"]


def test_a_terminal_is_shown_the_progress(spec):
    """stderr is a terminal, stdout is not: the live line goes to stderr alone."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "actscope", "study", str(spec), "--out", str(spec.parent / "s")],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "COLUMNS": "120", "TERM": "xterm"},
    ) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            seen += part
        out = process.stdout.read()
    os.close(ours)
    assert b"4/4 cells" in seen
    assert b"24/24 trials" in seen
    assert "best: " in seen.decode()
    assert b"cells \xc2\xb7" not in out
    assert b"24 trials" in out
