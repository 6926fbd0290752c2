"""Write the tables of docs/mathematics.md anew from the records and the functions themselves.

The page holds lines `<!-- table: NAME -->`; what stands between one and the next `<!-- end -->`
is the table of that name below.

Run: python docs/build_mathematics.py   (`make docs`)
"""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import actscope.maths
from actscope.activations import SHELF as ACTIVATIONS
from actscope.datasets import SHELF as DATASETS
from actscope.inits import SHELF as INITS
from actscope.maths.closed_forms import CLOSED_FORMS
from actscope.maths.meanfield import mean_field
from actscope.metrics import SHELF as METRICS

PAGE = Path(__file__).parent / "mathematics.md"
PLACE = re.compile(r"(?P<head><!-- table: (?P<name>\w+) -->\n).*?(?P<tail><!-- end -->)", re.S)
ACCOUNTS = {
    "exact": "in exact arithmetic",
    "format": "in the number format",
    "optimiser": "as the optimiser sees it",
}


def table(head: list[str], rows: list[list[str]]) -> str:
    """Rows as a table of Markdown; a bar inside a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    cells = ([str(cell).replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def first_line(function) -> str:
    """The line of a docstring that says the formula."""
    return inspect.getdoc(function).splitlines()[0].removeprefix("Return ")


def metrics() -> str:
    """Every metric: what it is, by which account, and what it cannot see."""
    rows = []
    for account, words in ACCOUNTS.items():
        rows += [
            [
                f"`{m.name}`",
                words,
                first_line(m.f),
                ", ".join(sorted(m.blind_to)) or "nothing",
                m.source,
            ]
            for m in METRICS
            if m.account == account
        ]
    assert len(rows) == len(list(METRICS)), "an account without words"
    return table(["metric", "account", "definition", "does not see", "source"], rows)


def inits() -> str:
    """Every init: the rule and its source."""
    rows = [[f"`{one.name}`", one.label, one.summary, one.source] for one in INITS]
    return table(["init", "name", "weights and biases", "source"], rows)


def closed_forms() -> str:
    """Which averages are known in closed form."""
    rows = [[f"`{name}`", form.source] for name, form in sorted(CLOSED_FORMS.items())]
    return table(["activation", "source"], rows)


def number(value: float | None) -> str:
    """Four digits, or a dash for what there is not; a last bit of rounding is 0."""
    if value is not None and abs(value) < 1e-12:
        value = 0.0
    return "–" if value is None or value != value else f"{value:.4g}".replace("inf", "∞")


def signal() -> str:
    """The numbers of signal propagation for the catalogue, at variance 1 without biases."""
    rows = []
    for one in ACTIVATIONS:
        m = mean_field(one, one.slope_at, one.kinks)
        scales = (m.chi_1, m.chi_1_centred, m.xi_c, m.xi_c_centred)
        facts = (m.gain, m.mean, m.constant_part, *scales)
        rows.append([one.label, *map(number, facts)])
    head = ["activation", "gain", "mean", "constant part", "χ₁", "χ₁ centred", "ξc", "ξc centred"]
    return table(head, rows)


def datasets() -> str:
    """Every data set: the law, what is known of it, its source."""
    rows = []
    for one in DATASETS:
        law = one.summary
        if one.boundary is not None:
            law += ". " + inspect.getdoc(one.draw).splitlines()[0]
        known = [] if one.boundary is None else ["boundary"]
        known += [] if one.bayes_accuracy is None else ["best accuracy"]
        size = f"{one.dim or '–'} / {'–' if one.classes < 0 else one.classes}"
        rows.append([f"`{one.name}`", law, size, ", ".join(known) or "–", one.source])
    return table(["data set", "what it is", "numbers / classes", "known", "source"], rows)


def functions() -> str:
    """Every public function of the floor of mathematics, by its docstring's first line."""
    rows = []
    for module in pkgutil.iter_modules(actscope.maths.__path__):
        place = importlib.import_module(f"actscope.maths.{module.name}")
        for name, thing in vars(place).items():
            own = getattr(thing, "__module__", None) == place.__name__
            if inspect.isfunction(thing) and own and not name.startswith("_"):
                rows.append([f"`{module.name}.{name}`", first_line(thing)])
    return table(["function", "gives"], rows)


TABLES = {
    "datasets": datasets,
    "functions": functions,
    "metrics": metrics,
    "inits": inits,
    "closed_forms": closed_forms,
    "signal": signal,
}


def filled(page: str) -> str:
    """The page with every table made anew."""
    return PLACE.sub(lambda place: place["head"] + TABLES[place["name"]]() + place["tail"], page)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(PAGE.name)
