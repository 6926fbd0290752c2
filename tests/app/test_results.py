"""Panel 5: stored studies as they are stored, damaged ones too; claims; in Python and a browser."""

import io
import json
import urllib.request
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import pytest

from actscope.app.panels.results import RECORD
from actscope.app.request import Request, Settings
from actscope.errors import InputError, UnknownName
from actscope.maths.statistics import bootstrap
from actscope.study import Study
from actscope.study.result import StudyResult

FIGURE = b"\x89PNG\r\n\x1a\n"
CLAIM = {
    "name": "slope_at_most_quarter", "statement": "The slope is at most a quarter.",
    "source": "the article", "verdict": "holds", "under": "", "effect": "slope: 0.25",
    "value": 0.25, "low": 0.25, "high": 0.25, "unit": "", "says": "It is.", "rule": "≤ 1/4",
    "command": "actscope claims slope_at_most_quarter",
}  # fmt: skip
OTHER = {
    **CLAIM,
    "name": "plateau",
    "verdict": "does not hold",
    "value": None,
    "statement": "It ends.",
}


@pytest.fixture(scope="session")
def small(studies):
    """What the shared server shows: 24 cells, some diverged; two that are damaged; a ledger."""
    spec = {"activation": ["relu", "sigmoid", "tanh"], "depth": [2, 6], "seeds": 6, "epochs": 20}
    Study(name="small", lr=[0.02, 0.1, 1e6], **spec).run(studies / "small-study")
    Study(name="cut", seeds=20, epochs=5).run(studies / "cut-study")
    (file,) = (studies / "cut-study" / "trials").glob("*.parquet")
    file.write_bytes(file.read_bytes()[:300])
    (studies / "torn").mkdir()
    (studies / "torn" / "study.json").write_text('{"spec"')
    (studies / "ledger").mkdir()
    (studies / "ledger" / "ledger.json").write_text(json.dumps([CLAIM, OTHER]))
    (studies / "ledger" / f"{CLAIM['name']}.png").write_bytes(FIGURE)
    return studies


@pytest.fixture(scope="session")
def many(small):
    """1,000 trials in a study of their own."""
    Study(name="many", activation=["relu", "silu"], seeds=500, epochs=1).run(small / "many-study")
    return small


@pytest.fixture
def ask(small):
    def ask(question, **args):
        return RECORD.questions[question](Request(args, Settings(small)))

    return ask


def values(reply, name):
    column = next(c for c in reply["columns"] if c["name"] == name)
    if "words" in column:
        return [column["words"][i] for i in column["codes"]]
    return column["values"]


def test_the_list_holds_every_study_and_says_what_is_wrong_with_it(ask):
    found = {study["name"]: study for study in ask("list")["studies"]}
    assert found["small-study"]["trials"] == 108
    assert found["small-study"]["activations"] == ["relu", "sigmoid", "tanh"]
    assert "no record of a study" in found["torn"]["error"]
    (damage,) = found["cut-study"]["damaged"]
    assert damage.endswith("it is cut short")


@pytest.mark.parametrize("table", ["cells", "trials"])
def test_figures_are_the_stored_numbers(ask, small, table):
    result = StudyResult(small / "small-study")
    stored = result.cells() if table == "cells" else result.table()
    reply = ask("open", study="small-study", table=table)
    assert reply["total"] == len(stored) == len(reply["keys"])
    for column in reply["columns"]:
        name = column["name"]
        if "words" in column:
            assert values(reply, name) == stored[name].tolist()
        else:
            expected = stored[name].astype("float64").to_numpy(dtype=float, na_value=np.nan)
            np.testing.assert_array_equal(column["values"], expected)


def test_sort_and_filter(ask):
    reply = ask("open", study="small-study", sort="accuracy", desc=True)
    accuracy = values(reply, "accuracy")
    assert (np.diff(accuracy) <= 0).all()
    reply = ask("open", study="small-study", filter="relu lr<0.05 depth=6")
    assert (reply["total"], values(reply, "activation"), values(reply, "lr")[0]) == (
        1,
        ["relu"],
        0.02,
    )
    reply = ask("open", study="small-study", table="trials", filter="activation!=relu seed>=4")
    assert set(values(reply, "activation")) == {"sigmoid", "tanh"}
    assert values(reply, "seed").min() == 4
    assert ask("open", study="small-study", filter="nothing-like-it")["total"] == 0
    last = values(ask("open", study="small-study", table="trials", sort="test_loss"), "test_loss")
    assert np.isnan(last).any()
    assert np.isnan(last[-1])  # what is missing comes last


@pytest.mark.parametrize(
    ("args", "error", "words"),
    [
        ({"study": "../../etc/passwd"}, UnknownName, "unknown study '../../etc/passwd'"),
        ({"study": "/etc"}, UnknownName, "unknown study"),
        ({"study": "torn"}, InputError, "no record of a study"),
        ({"study": "small-study", "filter": "speed>1"}, UnknownName, "unknown column 'speed'"),
        ({"study": "small-study", "filter": "lr<fast"}, InputError, "expected a number after <"),
        ({"study": "small-study", "filter": "a<<"}, UnknownName, "unknown column 'a'"),
        ({"study": "small-study", "filter": "activation<relu"}, InputError, "holds words"),
        ({"study": "small-study", "sort": "speed"}, UnknownName, "unknown column"),
        ({"study": "small-study", "filter": "x" * 501}, InputError, "at most 500 characters"),
    ],
    ids=str,
)
def test_what_cannot_be_gets_a_sentence(ask, args, error, words):
    with pytest.raises(error) as caught:
        ask("open", **args)
    assert words in str(caught.value)


def test_a_damaged_file_leaves_the_rest_readable(small, tmp_path):
    for seeds in (range(3), range(5)):
        Study(name="grown", seeds=seeds, epochs=2).run(tmp_path / "grown")
    files = sorted((tmp_path / "grown" / "trials").glob("*.parquet"))
    assert len(files) == 2
    files[0].write_bytes(b"no parquet")
    reply = RECORD.questions["open"](Request({"study": "grown"}, Settings(tmp_path)))
    assert [d["file"] for d in reply["damaged"]] == [files[0].name]
    assert values(reply, "trials")[0] in (2, 3)


def test_two_cells_are_tested_on_their_common_seeds(ask, small):
    reply = ask("open", study="small-study", filter="lr=0.1 depth=2")
    names = values(reply, "activation")
    first, second = (reply["keys"][names.index(n)] for n in ("relu", "sigmoid"))
    found = ask("compare", study="small-study", first=first, second=second)
    assert [s["name"] for s in found["settings"]] == ["activation"]
    rows = StudyResult(small / "small-study").table()
    rows = (
        rows[(rows.lr == 0.1) & (rows.depth == 2)].set_index(["activation", "seed"]).test_accuracy
    )
    between = bootstrap((rows["relu"] - rows["sigmoid"]).to_numpy(), rng=0)
    assert found["paired"]["difference"] == between.value
    assert (found["paired"]["low"], found["paired"]["high"]) == (between.low, between.high)
    with pytest.raises(UnknownName, match="unknown row"):
        ask("compare", study="small-study", first=first, second="nothing")


def test_the_claims_without_a_ledger_and_with_one(ask, tmp_path):
    reply = RECORD.questions["ledger"](Request({}, Settings(tmp_path)))
    assert len(reply["claims"]) > 30
    assert "verdict" not in reply["claims"][0]
    reply = ask("ledger", ledger="ledger")
    assert [(one["verdict"], one["value"]) for one in reply["claims"]] == [
        ("holds", 0.25),
        ("does not hold", None),
    ]
    (tmp_path / "ledger.json").write_text("[1, 2]")
    (broken,) = RECORD.questions["list"](Request({}, Settings(tmp_path)))["ledgers"]
    assert "is no ledger" in broken["error"]


# --- in a browser


def fetch(url):
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, "", error.read()


def test_downloads_and_paths_that_lead_outside(server, small):
    def file(name, **args):
        return fetch(f"{server.url}file/results/{name}?{urlencode(args)}")

    status, kind, content = file(
        "csv", study="small-study", table="trials", filter="relu", sort="seed"
    )
    stored = StudyResult(small / "small-study").table()
    rows = pd.read_csv(io.BytesIO(content))
    assert (status, kind, len(rows)) == (200, "text/csv", 36)
    assert rows.seed.is_monotonic_increasing
    assert sorted(rows.loss.dropna()) == sorted(stored[stored.activation == "relu"].loss.dropna())
    status, kind, content = file("png", study="small-study", x="lr", y="accuracy", logX="1")
    assert (status, kind, content[:8]) == (200, "image/png", FIGURE)
    for name, args in [
        ("csv", {"study": "../../etc/passwd"}),
        ("png", {"study": "../../etc/passwd", "x": "lr", "y": "lr"}),
        ("png", {"study": "small-study", "x": "lr", "y": "../../x"}),
        ("figure", {"ledger": "ledger", "claim": "../../../etc/passwd"}),
        ("figure", {"ledger": "../..", "claim": "x"}),
        ("passwd", {}),
    ]:
        assert file(name, **args)[0] == 404, (name, args)
    assert file("figure", ledger="ledger", claim=CLAIM["name"])[2] == FIGURE


@pytest.fixture
def results(open_page, helpers, small):
    def results(where="", rows=True, **more):
        page = open_page(f"results?{where}", **more)
        page.wait_for_selector("[data-name=studies] [data-study=torn]")
        if "study=" in where and rows:
            page.wait_for_selector("[data-name=rows] tr[data-row]")
        helpers.settle(page)
        return page

    return results


def column(page, name):
    return page.locator(f"[data-name=rows] td[data-column={name}]").evaluate_all(
        "(cells) => cells.map((cell) => cell.dataset.value ?? cell.textContent)"
    )


def test_open_sort_filter_and_the_address_restores_them(results, helpers, small):
    page = results()
    assert "no record of a study" in page.inner_text("[data-study=torn]")
    page.click("[data-open=small-study]")
    page.wait_for_selector("[data-name=rows] tr[data-row]")
    page.click("[data-sort=accuracy]")
    helpers.settle(page)
    page.click("[data-sort=accuracy]")
    page.fill("[data-name=filter]", "tanh")
    helpers.until(page, "document.querySelector('[data-name=count]').dataset.value === '6'")
    shown = [float(v) for v in column(page, "accuracy")]
    cells = StudyResult(small / "small-study").cells()
    expected = cells[cells.activation == "tanh"].accuracy.sort_values(ascending=False)
    assert shown == expected.tolist()
    boxes = page.locator("[data-name=rows] input[type=checkbox]")
    boxes.nth(0).check()
    boxes.nth(2).check()
    page.wait_for_selector("[data-name=paired]")
    words = page.inner_text("[data-name=paired]")
    page.select_option("[data-name=x]", "depth")
    helpers.until(page, "location.hash.includes('x=depth')")
    hash_now = page.evaluate("location.hash")
    page.reload()
    page.wait_for_selector("[data-name=paired]")
    helpers.settle(page)
    assert page.evaluate("location.hash") == hash_now
    assert [float(v) for v in column(page, "accuracy")] == shown
    assert page.inner_text("[data-name=paired]") == words
    assert boxes.nth(2).is_checked()
    assert page.input_value("[data-name=x]") == "depth"
    with page.expect_download() as csv:
        page.click("[data-name=csv]")
    assert len(pd.read_csv(csv.value.path())) == 6
    with page.expect_download() as png:
        page.click("[data-name=png]")
    assert png.value.path().read_bytes()[:8] == FIGURE


def test_nan_is_a_dash(results, small):
    page = results("study=small-study&table=trials&sort=test_loss&desc=1&filter=lr>1")
    page.locator("[data-name=rows]").evaluate("(table) => (table.parentElement.scrollTop = 1e6)")
    page.wait_for_timeout(100)
    dashes = page.locator("[data-name=rows] td[data-value=NaN]")
    assert dashes.count()
    assert dashes.first.inner_text() == "–"


def test_a_damaged_file_is_a_row_with_its_error(results):
    page = results("study=cut-study", rows=False)
    page.wait_for_selector("[data-name=rows] .as-damaged")
    assert page.locator("[data-name=rows] .as-damaged").count() == 1
    assert "it is cut short" in page.inner_text("[data-name=rows] .as-damaged")


def test_1000_rows_scroll(open_page, helpers, many):
    """Every place shows its rows at once, and the page never holds more than what is in sight."""
    page = open_page("results?study=many-study&table=trials&sort=seed")
    page.wait_for_selector("[data-name=rows] tr[data-row]")
    found = page.evaluate(
        """async () => {
          const table = document.querySelector('[data-name=rows]');
          const box = table.parentElement;
          const frame = () => new Promise((done) => requestAnimationFrame(done));
          box.scrollIntoView({ block: 'center' });
          await frame();
          const { left, top, bottom } = box.getBoundingClientRect();
          const seen = new Set();
          let most = 0;
          let late = 0;
          for (let i = 0; i <= 120; i += 1) {
            box.scrollTop = (i / 120) * (box.scrollHeight - box.clientHeight);
            await frame();
            await frame();
            const rows = [...table.querySelectorAll('tr[data-row]')];
            rows.forEach((row) => seen.add(Number(row.dataset.row)));
            most = Math.max(most, rows.length);
            const at = document.elementFromPoint(left + 200, (top + bottom) / 2);
            if (!at.closest('tr[data-row]')) late += 1;
          }
          return { seen: seen.size, most, late, height: box.scrollHeight };
        }"""
    )
    assert found["seen"] == 1000
    assert found["most"] < 60
    assert found["late"] == 0
    assert 36_000 <= found["height"] <= 36_200


def test_an_empty_store_explains_the_command(open_page, helpers, watch, tmp_path):
    server = helpers.Server("--studies", str(tmp_path))
    watch.home = server.url
    watch.expected.append("WebSocket")
    try:
        page = open_page("results", url=server.url)
        page.wait_for_selector("[data-name=empty]:visible")
        assert "actscope study --builtin rescue" in page.inner_text("[data-name=empty]")
        page.check("[data-name=show] input[value=claims]", force=True)
        page.wait_for_selector("[data-name=no-ledger]")
        assert "actscope claims --out ledger" in page.inner_text("[data-name=no-ledger]")
        page.context.close()
    finally:
        server.end()


def test_the_claims_with_their_verdicts_and_figures(open_page, helpers, small):
    page = open_page("results?show=claims&claim=slope_at_most_quarter")
    page.wait_for_selector("[data-claim=slope_at_most_quarter][open] img")
    assert helpers.number(page, "shown-claims") == 2
    assert helpers.number(page, "effect slope_at_most_quarter") == 0.25
    assert page.inner_text("[data-claim=plateau] .as-mark").endswith("does not hold")
    page.select_option("[data-name=verdict]", "does not hold")
    helpers.until(page, "document.querySelectorAll('[data-claim]').length === 1")
    complaints = helpers.complaints_of_axe(page)
    assert not complaints, complaints


def test_a_study_outside_the_folder_is_refused(results):
    page = results("study=../../etc/passwd", rows=False)
    page.wait_for_selector("[data-panel=results] .as-complaint:visible")
    assert "unknown study" in page.inner_text("[data-panel=results] .as-complaint:visible")


@pytest.mark.parametrize("look", [{}, {"scheme": "dark"}, {"width": 390, "height": 844}], ids=str)
def test_an_open_study_is_accessible_and_fits(results, helpers, look):
    page = results("study=small-study&table=cells", **look)
    boxes = page.locator("[data-name=rows] input[type=checkbox]")
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.wait_for_selector("[data-name=paired]")
    complaints = helpers.complaints_of_axe(page)
    assert not complaints, complaints
    assert helpers.sideways(page) <= 0


def test_by_keyboard_alone(results, helpers):
    page = results()
    page.focus("[data-open=small-study]")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-name=rows] tr[data-row]")
    page.focus("[data-sort=lr]")
    page.keyboard.press("Enter")
    helpers.settle(page)
    assert page.locator("th[aria-sort=ascending] [data-sort=lr]").count() == 1
    page.focus("[data-name=rows] input[type=checkbox]")
    page.keyboard.press("Space")
    assert page.locator("[data-name=rows] input[type=checkbox]").first.is_checked()
