"""Searches: a planted optimum, determinism, kills, the halving, the result and its spec."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from actscope.errors import BadSpec, InputError
from actscope.searches import book as books
from actscope.searches.drive import run, search
from actscope.searches.evaluate import Held, Job, Outcome, bits_needed, evaluate, held
from actscope.searches.halving import climb
from actscope.searches.latency import prices
from actscope.searches.result import pareto
from actscope.searches.setup import FINAL_SEED, Setup
from actscope.searches.space import Choice, Space
from actscope.study import Study

PRICES = {"relu": 1.0, "tanh": 2.0, "abs": 1.0, "layer normalisation": 3.0, "addition": 0.5,
          "multiply_add": 0.1, "sigmoid": 2.5}  # fmt: skip
TINY = {"depth": 2, "width": 4, "points": 120, "epochs": 4, "seeds": 2, "trials": 6, "together": 4,
        "activations": ("relu", "tanh"), "inits": ("gain",), "grammar": False, "finalists": 2,
        "final_seeds": 3, "elements": PRICES}  # fmt: skip


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """One small search with its folder."""
    folder = tmp_path_factory.mktemp("tiny")
    return search("moons", **TINY, out=folder), folder


def _numbers(result):
    kept = ["label", "lr", "score", "failures", "bits", "latency_ns", "last"]
    return result.candidates[kept].to_csv(), result.ranking.to_csv()


def test_one_seed_is_one_search(tiny):
    assert _numbers(search("moons", **TINY)) == _numbers(tiny[0])


def test_a_finished_search_trains_nothing_again(tiny, monkeypatch):
    result, folder = tiny
    seen = []
    again = search("moons", **TINY, out=folder, progress=seen.append)
    assert _numbers(again) == _numbers(result)
    assert not any(m.stage == "searching" and m.networks for m in seen)


def test_a_search_may_grow_but_not_change(tiny):
    _, folder = tiny
    with pytest.raises(InputError, match="epochs"):
        search("moons", **TINY | {"epochs": 5}, out=folder)
    grown = search("moons", **TINY | {"trials": 7, "finalists": 1}, out=folder)
    assert len(grown.candidates) == 7


def test_the_ranking_and_the_spec(tiny):
    result, _ = tiny
    table = result.ranking
    assert sorted(table.place) == [0, 1, 2]
    assert (table.score.diff().dropna() <= 0).all()
    assert (table.low <= table.score).all()
    assert (table.seeds == 3).all()
    assert set(result.trials.seed) == set(range(FINAL_SEED, FINAL_SEED + 3))
    best = result.best
    assert len(best.plan().cells) == 1
    cell = result.setup.cell(result.winner.choice, result.winner.record["lr"])
    assert best.plan().cells[0].id == cell.id  # what is tested is what the spec says
    assert result.says().startswith(result.winner.choice.label)
    assert "<table" in result._repr_html_()


def test_the_spec_is_what_study_export_and_to_torch_take(tiny, tmp_path):
    result, _ = tiny
    file = tmp_path / "best.toml"
    file.write_text(result.spec, "utf8")
    import actscope
    from actscope.study.file import load

    assert isinstance(load(file), Study)
    assert len(load(file).run(tmp_path / "study")) == 3
    torch = pytest.importorskip("torch")
    module = actscope.to_torch(file)
    assert module(torch.zeros(5, 2)).shape[0] == 5
    pytest.importorskip("onnx")
    actscope.export(file, tmp_path / "best.onnx")
    assert (tmp_path / "best.onnx").stat().st_size > 100


def test_a_planted_optimum_is_found():
    """Two hidden layers of one unit can say |x| > 1 if and only if the first one folds."""
    result = search(
        {"name": "circles", "noise": 0.02}, depth=1, width=3, points=200, epochs=60, seeds=4,
        activations=("relu", "identity", "abs"), inits=("he",), norm=(False,), residual=(False,),
        grammar=False, trials=8, together=4, rungs=2, finalists=2, final_seeds=4, baseline=None,
        lrs=(0.1, 0.5),
    )  # fmt: skip
    scores = result.candidates.groupby("phi").score.max()
    assert scores.idxmax() == result.winner.choice.phi == "abs"
    assert scores["abs"] > scores["identity"] + 0.2


def test_nsga2_weighs_three_things_and_repeats():
    settings = TINY | {"sampler": "nsga2", "activations": ("relu", "tanh", "sigmoid")}
    first, second = (search("moons", **settings) for _ in range(2))
    assert _numbers(first) == _numbers(second)
    table = first.candidates[first.candidates["last"]]
    costs = np.stack([-table.score, table.latency_ns, table.bits], axis=1)
    np.testing.assert_array_equal(table.front, pareto(costs))
    assert table.front.any()


SCRIPT = """
import json, sys
from actscope.searches.drive import search
settings = json.loads(sys.argv[2])
print("began", flush=True)
r = search("moons", out=sys.argv[1], progress=lambda m: print(m.done, flush=True), **settings)
"""


def test_a_killed_search_goes_on_to_the_same_end(tiny, tmp_path):
    settings = {k: list(v) if isinstance(v, tuple) else v for k, v in TINY.items()}
    folder = tmp_path / "killed"
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder), json.dumps(settings)], stdout=subprocess.PIPE
    )
    for line in child.stdout:  # in the second batch
        if line.strip() == b"4":
            break
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert _numbers(search("moons", **TINY, out=folder)) == _numbers(tiny[0])


def test_a_kill_between_storing_and_telling_is_mended(tmp_path, monkeypatch):
    told = []

    def die(self, number, record):
        told.append(number)
        raise KeyboardInterrupt

    whole = books.Book._tell
    monkeypatch.setattr(books.Book, "_tell", die)
    with pytest.raises(KeyboardInterrupt):
        search("moons", **TINY, out=tmp_path)
    monkeypatch.setattr(books.Book, "_tell", whole)
    seen = []
    result = search("moons", **TINY, out=tmp_path, progress=seen.append)
    assert len(result.candidates) == 6
    assert _numbers(result) == _numbers(search("moons", **TINY))


def _setup(**more):
    space = Space(1, ("relu", "tanh", "abs"), ("gain",), (False,), (False,), grammar=False)
    return Setup(**{"space": space, "width": 4, "points": 100, "seeds": 2, "epochs": 8,
                    "lrs": (0.01, 0.1, 1.0, 10.0)} | more)  # fmt: skip


def test_the_halving_hands_on_the_better_half():
    setup = _setup()
    cells = {name: setup.cell(Choice((name,), "gain")) for name in ("relu", "tanh", "abs")}
    quality = {"relu": 0.5, "tanh": 0.9, "abs": 0.7}
    seen = []

    def train(jobs):
        for i, job in enumerate(jobs):
            seen.append((job.cell.activation, job.cell.epochs, job.lrs))
            means = [quality[job.cell.activation] - 0.01 * k for k in range(len(job.lrs))]
            yield i, Outcome(tuple((m, m) for m in means), ((False, False),) * len(means), 3.0)

    climbs = climb(setup, cells, train)
    assert [len(climbs[name].rungs) for name in cells] == [1, 3, 2]
    assert [r.epochs for r in climbs["tanh"].rungs] == [2, 4, 8]
    assert climbs["tanh"].rungs[-1].lrs == (0.01,)
    assert len(seen[0][2]) == 4


def test_an_init_that_does_not_apply_is_a_failed_candidate_and_no_end():
    setup = _setup(space=Space(1, ("relu", "sign(x)"), ("critical",), (False,), (False,), False),
                   trials=2, final_seeds=2, finalists=1)  # fmt: skip
    result = run(setup, elements=PRICES | {"sign(x)": 1.0})
    assert result.candidates.error.notna().tolist() == [False, True]
    assert result.winner.choice.phi == "relu"


def test_validation_and_test_points_are_different_points():
    from actscope.study.points import split

    cell = _setup().cell(Choice(("relu",), "gain"))
    points, whole = held(cell, 0.25), split(cell.data, cell.points, cell.test_share, 0)
    assert (len(points.fit.x), len(points.fit.x_test)) == (56, 19)
    both = np.concatenate([points.fit.x_test, points.fit.x])
    np.testing.assert_array_equal(both, whole.x)
    assert not {tuple(row) for row in whole.x_test} & {tuple(row) for row in both}


@pytest.mark.parametrize("bits", [2, 6, 11])
def test_bits_needed_are_those_at_which_a_network_breaks(bits):
    from actscope.engine.spec import Data, Net, Weights

    x = np.random.default_rng(0).uniform(-2.0, 2.0, (200, 2))
    y = (x[:, 0] > 0).astype(int)
    points = Held(Data(x, y, x, y), 0.5, 2)
    # (1 + 2⁻ᵇ)·s − s has the sign of s; with a shorter mantissa 1 + 2⁻ᵇ is 1, and nothing is left
    first = np.array([[1.0 + 2.0**-bits, 1.0], [0.0, 0.0]])
    last = np.array([[1.0], [-1.0]])
    weights = Weights((first[None], last[None]), (np.zeros((1, 2)), np.zeros((1, 1))))
    (needed,) = bits_needed(Net(2, (2,), 1, "identity"), weights, points)
    assert bits <= needed <= bits + 5


def test_evaluate_gives_the_same_for_any_number_of_threads():
    job = Job(_setup().cell(Choice(("tanh",), "gain")), (0.1, 1.0), (3, 4), 0.25, bits=True)
    assert evaluate(job, 1) == evaluate(job, 2)


def test_latency_is_the_sum_of_its_parts():
    choice = Choice(("relu", "tanh"), "gain", norm=True, residual=True)
    found = prices(4, PRICES).nanoseconds(choice, inputs=2, outputs=1)
    assert found == pytest.approx(0.1 * (8 + 16 + 4) + 4 * (1 + 2) + 2 * 4 * 3.0 + 4 * 0.5)


def test_an_address_is_for_executors_that_have_one():
    with pytest.raises(BadSpec, match="address"):
        search("moons", **TINY, address="here:1")


def test_the_command_writes_a_page_and_the_spec(tmp_path):
    from typer.testing import CliRunner

    from actscope.cli._group import app
    from actscope.study.file import load

    words = [
        "search", "moons", "--depth", "1", "--width", "4", "--points", "120", "--epochs", "4",
        "--seeds", "2", "--trials", "3", "--activations", "relu,tanh", "--no-grammar",
        "--inits", "gain", "--norm", "no", "--final-seeds", "2", "--finalists", "1",
    ]  # fmt: skip
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "found")])
    assert done.exit_code == 0, done.output
    assert "validation" in done.stdout
    names = {p.name for p in (tmp_path / "found").iterdir()}
    assert {"index.html", "best.toml", "candidates.csv", "ranking.csv", "search.db"} <= names
    assert len(load(tmp_path / "found" / "best.toml").plan().cells) == 1
    page = (tmp_path / "found" / "index.html").read_text("utf8")
    assert "--no-grammar" in page
    assert "https://" not in page
    for wrong in (["--norm", "maybe"], ["--points", "few"], ["--lrs", "fast"], ["--sampler", "x"]):
        bad = CliRunner().invoke(app, [*words, *wrong, "--out", str(tmp_path / "none")])
        assert (bad.exit_code, wrong[0].strip("-") in bad.stderr) == (2, True)
