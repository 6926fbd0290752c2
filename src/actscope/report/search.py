"""A search as files: one page, its figures, its tables, the best network as a study."""

from __future__ import annotations

from dataclasses import asdict

from actscope.figures.search import FIGURES
from actscope.figures.sheet import render
from actscope.report.page import Cell, Download, Page, Picture, Section, Table, render_page
from actscope.searches.result import SearchResult

PAGE, SPEC = "index.html", "best.toml"
TITLES = {"search_front": "Accuracy, latency and bits", "search_ranking": "The ranking"}
WORDS = {
    "search_front": "Candidates that had all epochs. Latency is estimated from the measured price "
    "of a multiply-add and of an element of each activation in NumPy; bits needed is the shortest "
    "mantissa with which the trained network keeps 95 % of what it learnt.",
    "search_ranking": "The finalists by their validation score, and the plain network that they "
    "are held against with its own best init and learning rate.",
}
SHOWN = {
    "place": "place", "label": "network", "lr": "lr", "score": "validation", "low": "from",
    "high": "to", "test_accuracy": "test accuracy", "test_loss": "test loss", "test_low": "from ",
    "test_high": "to ", "test_failures": "fail", "seeds": "of", "difference": "to baseline",
    "p": "p", "latency_ns": "ns a point", "bits": "bits", "multiply_adds": "multiply-adds",
    "parameters": "parameters",
}  # fmt: skip


def search_files(result: SearchResult, command: str) -> dict[str, bytes]:
    """Every file of a search, by name: page, figures as PNG and SVG, tables, the best as TOML.

    Args:
        result: what `search` found.
        command: the command line that gives it again; stands on the page.
    """
    files: dict[str, bytes] = {}
    pictures = {}
    for name, draw in FIGURES.items():
        figure = draw(result)
        files[f"{name}.png"] = render(figure, "png")
        files[f"{name}.svg"] = render(figure, "svg")
        pictures[name] = Picture(name, files[f"{name}.svg"], WORDS[name])
    tables = {
        "ranking.csv": result.ranking.assign(activations=_joined(result)),
        "candidates.csv": result.candidates,
    }
    files |= {name: frame.to_csv(index=False).encode() for name, frame in tables.items()}
    files[SPEC] = result.spec.encode()
    sections = (
        Section(TITLES["search_ranking"], pictures=(pictures["search_ranking"],),
                tables=(ranking_table(result),)),
        Section(TITLES["search_front"], pictures=(pictures["search_front"],)),
        Section("The best network", (f"{SPEC} is a study of this one network: actscope study, "
                "actscope.export and actscope.to_torch take it.",), listings=(result.spec,)),
        _candidates(result),
        _how(result, command),
    )  # fmt: skip
    downloads = (
        Download(SPEC, "application/toml", files[SPEC]),
        *(Download(name, "text/csv", files[name]) for name in tables),
    )
    page = Page(f"Search on {result.setup.law.key}", result.says(), sections, downloads)
    return {PAGE: render_page(page), **files}


def _joined(result: SearchResult) -> list[str]:
    return ["/".join(a) for a in result.ranking.activations]


def ranking_table(result: SearchResult) -> Table:
    """The ranking with headings for people; the baseline has no place."""
    frame = result.ranking
    names = [name for name in SHOWN if name in frame]
    rows: list[tuple[Cell, ...]] = []
    for row in frame.to_dict("records"):
        place = "baseline" if row["place"] == 0 else row["place"]
        rows.append((place, *(row[name] for name in names[1:])))
    return Table(tuple(SHOWN[name] for name in names), tuple(rows), "Intervals are 95 %.")


def _candidates(result: SearchResult) -> Section:
    """Candidates by score; those that the halving dropped are in the file."""
    whole = result.candidates[result.candidates["last"].astype(bool)]
    order = whole.sort_values("score", ascending=False).drop(columns=["cell", "error", "last"])
    dropped = len(result.candidates) - len(whole)
    text = f"{len(whole)} had all epochs, {dropped} were dropped before; candidates.csv has all."
    return Section("Candidates", (text,), tables=(Table.of(order),))


def _how(result: SearchResult, command: str) -> Section:
    """The settings."""
    plain = asdict(result.setup)
    space = plain.pop("space")
    settings = {**space, **plain, "epochs of the rungs": result.setup.epochs_at}
    rows = tuple((name, _words(value)) for name, value in settings.items())
    return Section("How it was searched", tables=(Table(("setting", "value"), rows, command),))


def _words(value: object) -> Cell:
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, value))
    return value if isinstance(value, (int, float, str, bool)) else str(value)
