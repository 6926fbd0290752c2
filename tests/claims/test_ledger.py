"""The ledger, its command, its page and its figures; on claims that take no time."""

import html
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import actscope
from actscope.claims import SHELF, Outcome, claim
from actscope.claims._ledger import Entry, Ledger
from actscope.cli import app
from actscope.errors import UnknownName

ROOT = Path(__file__).parents[2]
QUICK = ["slope_at_most_quarter", "below_float32", "softmax_overflows"]


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ACTSCOPE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def whole(made):
    return Ledger(tuple(Entry(claim(name), verdict, 0.0) for name, verdict in made.items()))


def run(*words, columns=80):
    return CliRunner().invoke(app, ["claims", *words], env={"COLUMNS": str(columns)})


@pytest.mark.parametrize("name", SHELF.names())
def test_a_record_says_what_it_is(name):
    one = claim(name)
    doc = __import__(f"actscope.claims.{name}", fromlist=["x"]).__doc__
    assert doc.endswith((".", "?"))
    assert one.source
    assert one.statement.endswith(".")
    assert "Holds" in one.rule
    words = one.also.split()
    assert not words or (
        words[0] == "actscope" and (ROOT / f"src/actscope/cli/{words[1]}.py").exists()
    )


def test_the_ledger_is_in_the_order_of_the_documents():
    found = actscope.ledger(QUICK, cache=None)
    assert [e.claim.name for e in found] == ["softmax_overflows", "below_float32", QUICK[0]]
    assert found["below_float32"].outcome is Outcome.ONLY
    assert found.table.shape[0] == 3
    assert "below_float32" in found._repr_html_()
    assert found.plot() is not None
    assert found.plot("below_float32") is not None
    with pytest.raises(KeyError, match="this ledger holds"):
        found["nothing"]


def test_an_unknown_claim_names_the_nearest():
    with pytest.raises(UnknownName, match="sigmoid_plateau"):
        actscope.claim("sigmoid_plato")
    done = run("sigmoid_plato")
    assert done.exit_code == 2
    assert "did you mean 'sigmoid_plateau'" in done.output


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_table_fits_the_terminal(columns):
    done = run(*QUICK, columns=columns)
    assert done.exit_code == 0, done.output
    assert max(map(len, done.output.splitlines())) <= columns
    flat = re.sub(r"\s+", " ", done.output)
    for words in ("holds only under", "0.25", "below_float32", "Rule:"):
        assert words in flat, words


def test_json_holds_every_number():
    rows = json.loads(run(*QUICK, "--json").output)
    assert [r["name"] for r in rows] == ["softmax_overflows", "below_float32", QUICK[0]]
    assert rows[2]["value"] == 0.25
    assert len(rows[2]["tables"][0]["rows"]) == 30


def test_list_measures_nothing():
    done = run("--list", columns=200)
    for name in SHELF.names():
        assert f"\n {name} " in done.output or f"\n{name} " in done.output, name


def test_two_forms_of_output_at_once_are_refused():
    assert run("--json", "--markdown").exit_code == 2


def test_out_writes_one_page_with_a_figure_for_each(tmp_path):
    done = run(*QUICK, "--out", str(tmp_path / "page"))
    assert done.exit_code == 0, done.output
    page = (tmp_path / "page" / "index.html").read_text()
    assert page.count("<svg") == len(QUICK) + 1
    assert "http" not in re.sub(r'xmlns(:\w+)?="http[^"]*"', "", page)
    for name in QUICK:
        assert (tmp_path / "page" / f"{name}.png").stat().st_size > 5000
        assert html.escape(claim(name).statement, quote=False) in page.replace("&#39;", "'")


def test_every_claim_can_be_drawn_and_put_on_a_page(whole):
    from actscope.report.claims import ledger_files, ledger_markdown

    files = ledger_files(whole, "actscope claims --out page")
    assert {f"{e.claim.name}.svg" for e in whole} <= set(files)
    assert json.loads(files["ledger.json"])
    text = ledger_markdown(whole)
    for entry in whole:
        assert f"\n## {entry.claim.name}\n" in text


def test_the_page_in_docs_knows_every_claim_as_it_stands():
    text = (ROOT / "docs" / "claims.md").read_text("utf8")
    named = set(re.findall(r"^## (\w+)$", text, re.M))
    assert named == set(SHELF.names()), "stale: make ledger"
    for name in named:
        assert f"> {claim(name).statement}" in text, f"{name} is stale: make ledger"
