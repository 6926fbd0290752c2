"""What was found about cost as files: one page, its figure, its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actscope.costs.cost import Cost
from actscope.costs.elementwise import FREE, Elementwise
from actscope.costs.model import ModelCost
from actscope.figures.cost import by_size, changes
from actscope.figures.sheet import render
from actscope.report.page import Cell, Download, Page, Picture, Section, Table, render_page
from actscope.study.plan import Study

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PAGE = "index.html"


def cost_files(cost: Cost, command: str) -> dict[str, bytes]:
    """The files of a search for equal accuracy: page, figure, tables, everything as JSON.

    Args:
        cost: what was found.
        command: the command line that gives it again; stands on the page.
    """
    figure = cost.plot()
    frames = {
        "table": cost.table, "sizes": cost.sizes, "deployed": cost.deployed,
        "kept": cost.accuracy_kept, "frontier": cost.frontier,
    }  # fmt: skip
    picture = Picture(
        "frontier",
        render(figure, "svg"),
        "Each activation's accuracy against its latency, one point for each width that was tried. "
        "Left and high is better.",
    )
    sections = (
        Section(
            "The table",
            (read_me(cost), cost.floor, *cost.cautions),
            tables=(Table.of(_turned(cost.table)),),
        ),
        Section("Accuracy against latency", pictures=(picture,)),
        Section("The search", tables=(Table.of(cost.sizes),)),
        Section(
            "Latency and throughput",
            (
                "µs a batch, one thread; over_relu: the time over that of ReLU's network of equal "
                "accuracy in the same rounds; low and high: 95 % interval of the median.",
            ),
            tables=(Table.of(cost.deployed),),
        ),
        Section("Accuracy in smaller formats", tables=(Table.of(cost.accuracy_kept),)),
        _run(command, tuple(cost.setup.record())),
    )
    reached = len(cost.chosen)
    lead = (
        f"{reached} of {len(cost.names)} activations reach {cost.setup.target:g} on "
        f"{cost.rows[0].best.cell.data.label} in {cost.setup.share:.0%} of the seeds with at most "
        f"{cost.setup.most} units a layer."
    )
    page = Page("Cost at equal accuracy", lead, sections, _downloads(frames, cost.to_json()))
    return _files(page, frames, cost.to_json(), frontier=figure)


def read_me(cost: Cost) -> str:
    """How the one table is to be read."""
    s = cost.setup
    lr, init = ", ".join(f"{v:g}" for v in s.lr), ", ".join(s.init)
    return (
        f"Size: hidden layers × width, the smallest at which {s.share:.0%} of {s.seeds} seeds "
        f"reach {s.target:g}; tuned: at its own best of lr {lr} and init {init}, chosen on "
        f"{s.tries} other seeds; article settings: SGD, lr 0.05, {Study.epochs} epochs, the "
        "article's init. * wider ones fail. Low, high: 95 % Wilson interval of the share of seeds."
    )


def elementwise_files(found: Elementwise, command: str) -> dict[str, bytes]:
    """The files of the times an element: page, figure, table."""
    figure = by_size(found)
    copy = Table(
        ("elements", "GB/s", "low", "high"),
        tuple((n, i.value, i.low, i.high) for n, i in found.copy.items()),
        "The machine's copy, bytes read and written together",
    )
    picture = Picture(
        "by_size",
        render(figure, "svg"),
        "Time an element against how many there are; grey: copying as many bytes.",
    )
    largest = found.table[found.table.elements == found.table.elements.max()]
    free = largest[largest.memory_bound]
    names = zip(free.library, free.activation, free.what, strict=True)
    sections = (
        Section("By size", tuple(found.notes), pictures=(picture,)),
        Section("Copy bandwidth", tables=(copy,)),
        Section(
            "The table",
            (f"memory_bound: at most {FREE:g} times as long as copying as many bytes.",),
            tables=(Table.of(found.table),),
        ),
        _run(command),
    )
    lead = (
        f"At {max(found.copy):,} elements {len(free)} of {len(largest)} functions take no longer "
        f"than copying as many bytes: {', '.join(' '.join(n) for n in names) or 'none'}."
    )
    frames = {"table": found.table}
    page = Page("What an activation costs by itself", lead, sections, _downloads(frames, ""))
    return _files(page, frames, found.to_json(), by_size=figure)


def model_files(found: ModelCost, command: str) -> dict[str, bytes]:
    """The files of what a model's activations cost: page, figure, tables."""
    held = Table(
        ("activation", "sites", "share of the forward time"),
        tuple((h.name, h.sites, h.share) for h in found.held),
    )
    figure = changes(found)
    picture = Picture(
        "changes",
        render(figure, "svg"),
        "Forward time after each swap over the time before; left of 1 is faster.",
    )
    text = (
        f"On one thread a forward pass takes {1e3 * found.seconds.value:.3g} ms; activations take "
        f"{found.share:.1%} of it and move {found.activation_bytes / 1e6:,.3g} of "
        f"{found.total_bytes / 1e6:,.3g} MB ({found.traffic_share:.1%})."
    )
    sections = (
        Section("Now", found.notes, tables=(held,)),
        Section("Swaps", pictures=(picture,), tables=(Table.of(found.table),)),
        _run(command),
    )
    frames = {"table": found.table}
    title = f"What the activations of {found.model} cost"
    page = Page(title, text, sections, _downloads(frames, found.to_json()))
    return _files(page, frames, found.to_json(), changes=figure)


def _turned(table: pd.DataFrame) -> pd.DataFrame:
    """One column an activation: the one table has too many columns for a page."""
    return table.set_index("activation").T.rename_axis("what").rename_axis(None, axis=1)


def _run(command: str, settings: tuple[tuple[str, Cell], ...] = ()) -> Section:
    rows = (("command", command), *((k, str(v)) for k, v in settings))
    return Section("How it was measured", tables=(Table(("setting", "value"), rows),))


def _downloads(frames: dict[str, pd.DataFrame], everything: str) -> tuple[Download, ...]:
    held = [
        Download(f"{name}.csv", "text/csv", frame.to_csv(index=False).encode())
        for name, frame in frames.items()
    ]
    if everything:
        held.append(Download("cost.json", "application/json", everything.encode()))
    return tuple(held)


def _files(
    page: Page, frames: dict[str, pd.DataFrame], everything: str, **figures: Figure
) -> dict[str, bytes]:
    files = {PAGE: render_page(page), "cost.json": everything.encode()}
    files |= {f"{n}.csv": f.to_csv(index=False).encode() for n, f in frames.items()}
    for name, figure in figures.items():
        files |= {f"{name}.{kind}": render(figure, kind) for kind in ("png", "svg")}
    return files
