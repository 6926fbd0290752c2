"""The results panel: stored studies to sort, filter, open, compare, plot; the claims ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actscope.app.panels._base import File, Panel, Reply
from actscope.app.request import Request
from actscope.app.results_store import (
    MOST_ROWS,
    Found,
    ledgers_in,
    picture_of,
    studies_in,
    study_of,
)
from actscope.app.results_table import asked_for, columns_of, compared, shown
from actscope.errors import UnknownName
from actscope.figures.colours import series_styles
from actscope.guests import need

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("cells", "trials")
RUN = "actscope study --builtin rescue"
CHECK = "actscope claims --out ledger"
MOST_WORDS = 500  # characters of a filter


def listed(request: Request) -> Reply:
    """Every study of the folder, and every kept ledger."""
    root = request.settings.studies
    return {
        "folder": root.name or str(root),
        "studies": [_about(found) for found in studies_in(root)],
        "ledgers": [
            {k: v for k, v in one.items() if k != "entries"} | {"claims": len(one["entries"])}
            for one in ledgers_in(root)
        ],
        "run": RUN,
        "check": CHECK,
    }


def _about(found: Found) -> dict[str, Any]:
    """A study's row in the list."""
    import pyarrow.parquet as pq

    trials = sum(pq.read_metadata(path).num_rows for path in found.files)
    spec = found.record.get("spec", {})
    changed = max((p.stat().st_mtime for p in (found.folder, *found.files)), default=0.0)
    return {
        "name": found.name,
        "title": str(found.record.get("name", found.folder.name)),
        "error": found.error,
        "damaged": [str(d) for d in found.damaged],
        "trials": trials,
        "planned": int(found.record.get("trials", 0)),
        "activations": [_name_of(entry) for entry in _list(spec.get("activation"))][:20],
        "changed": changed,
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _name_of(entry: Any) -> str:
    """A name, {"name": …}, or one of those for each layer."""
    if isinstance(entry, dict):
        return str(entry.get("name", ""))
    if isinstance(entry, list):
        return "/".join(map(_name_of, entry))
    return str(entry)


def _table(request: Request) -> tuple[Found, str, Any]:
    """The study, the kind of rows and the rows that a request means."""
    study = study_of(request.settings.studies, request.text("study", 400))
    kind = request.choice("table", KINDS, default="cells")
    descending = request.args.get("desc") in (True, "1", "true")
    words = request.text("filter", MOST_WORDS, default="")
    return study, kind, asked_for(study, kind, words, request.text("sort", 60, ""), descending)


def opened(request: Request) -> Reply:
    """The rows of a study, by columns; and what of it is damaged."""
    study, kind, rows = _table(request)
    sent = rows.head(MOST_ROWS)
    names = list(dict.fromkeys(map(str, sent.get("activation", []))))
    return {
        "study": study.name,
        "table": kind,
        "columns": columns_of(rows),
        "keys": [str(key) for key in sent["key"]],
        "total": len(rows),
        "damaged": [{"file": d.path.name, "reason": d.reason} for d in study.damaged],
        "styles": {
            name: {"colour": s.colour, "dark": s.dark}
            for name, s in zip(names, series_styles(names), strict=True)
        },
        "runs": len(study.record.get("runs", [])),
    }


def beside(request: Request) -> Reply:
    """Two rows beside each other."""
    study = study_of(request.settings.studies, request.text("study", 400))
    kind = request.choice("table", KINDS, default="cells")
    return compared(study, kind, request.text("first", 100), request.text("second", 100))


def ledger(request: Request) -> Reply:
    """The claims: of a kept ledger with their verdicts, else the statements alone."""
    from actscope.claims import SHELF

    kept = {one["name"]: one for one in ledgers_in(request.settings.studies)}
    name = request.text("ledger", 400, default="")
    if name and name not in kept:
        raise UnknownName("ledger", name, kept)
    if name:
        fields = ("name", "statement", "source", "verdict", "under", "effect", "value", "low",
                  "high", "unit", "says", "rule", "command")  # fmt: skip
        entries = [{f: entry.get(f) for f in fields} for entry in kept[name]["entries"]]
        return {"ledger": name, "error": kept[name]["error"], "claims": entries, "check": CHECK}
    claims = [
        {"name": one.name, "statement": one.statement, "source": one.source[0].value,
         "rule": one.rule, "command": one.command}
        for one in SHELF
    ]  # fmt: skip
    return {"ledger": "", "error": "", "claims": claims, "check": CHECK}


# --- downloads


def csv(request: Request) -> File:
    """The rows as they are filtered and sorted, all of them."""
    study, kind, rows = _table(request)
    content = rows.drop(columns="key").to_csv(index=False).encode()
    return File(f"{_plain(study)}-{kind}.csv", "text/csv", content)


def png(request: Request) -> File:
    """Two columns against each other."""
    from actscope.figures.sheet import render

    study, kind, rows = _table(request)
    figure = _figure(request, study, kind, rows)
    return File(f"{_plain(study)}-{kind}.png", "image/png", render(figure, "png"))


def _figure(request: Request, study: Found, kind: str, rows: Any) -> Figure:
    from actscope.figures.results import two_columns

    known = shown(rows)
    x, y = (request.text(axis, 60) for axis in ("x", "y"))
    for name in (x, y):
        if name not in known:
            raise UnknownName("column", name, known)
    logs = tuple(request.args.get(f"log{axis}") in (True, "1", "true") for axis in "XY")
    return two_columns(rows, x, y, f"{study.name}: {len(rows):,} {kind}", (logs[0], logs[1]))


def figure(request: Request) -> File:
    """A claim's figure out of a kept ledger."""
    claim = request.text("claim", 100)
    content = picture_of(request.settings.studies, request.text("ledger", 400), claim)
    return File(f"{claim}.png", "image/png", content)


def _plain(study: Found) -> str:
    return study.folder.name or "study"


def picture(request: Request) -> Figure:
    """The plot, where no kernel runs; an empty one without a study."""
    from actscope.figures.results import nothing

    if "study" not in request.args:
        return nothing("Stored studies are listed while a kernel runs.")
    study, kind, rows = _table(request)
    return _figure(request, study, kind, rows)


def _with_extra(question: Any) -> Any:
    def ask(request: Request) -> Any:
        need("study")
        return question(request)

    return ask


RECORD = Panel(
    name="results",
    label="Results",
    order=5,
    lead=(
        "The studies in the folder that the explorer was started with, row by row, and the claims "
        "with their verdicts."
    ),
    questions={
        "list": _with_extra(listed),
        "open": _with_extra(opened),
        "compare": _with_extra(beside),
        "ledger": ledger,
    },
    files={"csv": _with_extra(csv), "png": _with_extra(png), "figure": figure},
    picture=picture,
)
