"""What the search finds: `python benchmarks/search.py FOLDER` writes the tables of docs/search.md.

Three data sets, each searched twice with the same budget: an activation for every layer, and one
for all layers. The folder keeps the searches, so a second call trains nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from actscope.maths.statistics import paired_permutation
from actscope.searches.drive import search
from actscope.searches.result import SearchResult

DOCS = Path(__file__).parent.parent / "docs" / "search.md"
BEGIN, END = "<!-- benchmarks/search.py: begin -->", "<!-- end -->"
COMMON = {
    "activations": ("relu", "leaky_relu(slope=0.1)", "elu", "gelu", "tanh", "sin"),
    "trials": 32,
    "together": 16,
    "final_seeds": 100,
    "finalists": 3,
}
RUNS = {
    "moons": {"depth": 16, "width": 8, "grammar": False},
    "digits": {"depth": 4, "width": 16, "points": "all", "epochs": 40},
    "mnist1d": {"depth": 4, "width": 16, "points": 2000, "epochs": 40},
}


def main(folder: Path, tasks: list[str]) -> None:
    """Search, and write what was found into the page."""
    parts = []
    for task in tasks:
        found = {}
        for kind in ("hybrid", "single"):
            found[kind] = search(
                task,
                **COMMON,
                **RUNS[task],
                hybrid=kind == "hybrid",
                out=folder / f"{task}-{kind}",
                progress=lambda now: print(now, flush=True) if now.stage != "searching" else None,
            )
            print(task, kind, found[kind].says(), flush=True)
        parts.append(section(task, found))
    if tasks != list(RUNS):
        return
    before, _, rest = DOCS.read_text("utf8").partition(BEGIN)
    after = rest.partition(END)[2]
    DOCS.write_text(f"{before}{BEGIN}\n{''.join(parts)}{END}{after}", "utf8")


def section(task: str, found: dict[str, SearchResult]) -> str:
    """One data set: a table and a sentence."""
    setup = found["hybrid"].setup
    lines = [
        f"\n### {task}, depth {setup.space.depth}, width {setup.width}\n",
        "| network | lr | test accuracy (95 %) | failures | ns | bits |",
        "|---|---|---|---|---|---|",
        row("best with an activation a layer", found["hybrid"]),
        row("best with one for all layers", found["single"]),
        row("the baseline", found["hybrid"], base=True),
        "",
        sentence(found),
    ]
    return "\n".join(lines) + "\n"


def row(words: str, result: SearchResult, base: bool = False) -> str:
    """One line of the table."""
    table = result.ranking
    r = table[(table.place == 0) if base else (table.place == 1)].iloc[0]
    return (
        f"| {words}: `{r.label}` | {r.lr:g} | {r.test_accuracy:.4f} ({r.test_low:.4f} to "
        f"{r.test_high:.4f}) | {int(r.test_failures)} of {int(r.seeds)} | {r.latency_ns:.0f} "
        f"| {r.bits:g} |"
    )


def scores(result: SearchResult) -> np.ndarray:
    """Test accuracies of the first of the ranking, by seed."""
    cell = result.setup.cell(result.winner.choice, result.winner.record["lr"]).id
    trials = result.trials[result.trials.cell == cell].sort_values("seed")
    return trials.test_accuracy.fillna(0.0).to_numpy(dtype=float)


def sentence(found: dict[str, SearchResult]) -> str:
    """The two best on the same seeds."""
    a, b = scores(found["hybrid"]), scores(found["single"])
    test = paired_permutation(a, b, rng=0)
    told = "no difference can be told" if test.p >= 0.05 else "they differ"
    return (
        f"An activation a layer against one for all, on the same {test.n} seeds: difference "
        f"{test.difference:+.4f}, p = {test.p:.2g}: {told}."
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or list(RUNS))
