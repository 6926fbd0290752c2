"""The playground's points: drawn, split and standardised, in two dimensions."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.app.playground_setup import TEST_SHARE, Data
from actscope.article.data import draw_data
from actscope.article.setup import Setup as Article
from actscope.datasets._base import Dataset
from actscope.datasets._lookup import dataset
from actscope.errors import InputError
from actscope.study.fields import ALL, named
from actscope.study.points import Split, floor, split

Floats = NDArray[np.float64]

FEWEST_ROWS, MOST_ROWS, MOST_COLUMNS, MOST_CLASSES = 20, 2000, 64, 10
MARGIN = 0.5  # around the points, in standard deviations, as in the article's figures
LAW = ("noise", "classes")
FILE = "your data.csv"


@dataclass(frozen=True, eq=False)
class Points:
    """What both networks are trained and shown on.

    Attributes:
        x, y, x_test, y_test: points (n, 2) and their classes.
        classes: how many.
        law: the data set in these coordinates, or None where it is not known in them.
        low, high: of both axes of the plane that is drawn: a square around all points.
        axes: what the axes are.
        names: of the classes.
        linear: test accuracy of a straight line: logistic regression.
        kept: share of the variance that two dimensions keep; 1 if there are no more.
        far: the point that the trace follows at first.
    """

    x: Floats
    y: NDArray[np.int64]
    x_test: Floats
    y_test: NDArray[np.int64]
    classes: int
    law: Dataset | None
    low: Floats
    high: Floats
    axes: tuple[str, str]
    names: tuple[str, ...]
    linear: float
    kept: float
    far: tuple[float, float]

    @functools.cached_property
    def distances(self) -> Floats | None:
        """(n,) signed distances of x to the true boundary, or None; it may take seconds."""
        known = self.law is not None and self.law.boundary is not None
        return np.asarray(self.law.boundary(self.x)) if known else None  # type: ignore[union-attr, misc]

    @property
    def loss(self) -> str:
        """That fits."""
        return "bce" if self.classes == 2 else "cross_entropy"

    @property
    def outputs(self) -> int:
        """Logits of a network."""
        return 1 if self.classes == 2 else self.classes


@functools.lru_cache(maxsize=16)
def points_of(data: Data, published: bool) -> Points:
    """Draw the points.

    Args:
        data: which.
        published: two moons exactly as the article draws them, at `data.seed`.

    Raises:
        InputError: a table that is none, or not of two to ten classes; too few points.
    """
    if published:
        return _article(data)
    if data.name == "table":
        return _table(data.table)
    law = dataset(data.name)
    takes = {p.name for p in law.params}
    law = law.with_params(**{name: getattr(data, name) for name in LAW if name in takes})
    found = split(named(law), data.points, TEST_SHARE, data.seed)
    names = tuple(map(str, range(found.law.classes)))
    return _planar(found, names, "pixels" if data.name == "digits" else "")


def _article(data: Data) -> Points:
    """The article's draw, whose scaling is that of all points."""
    drawn = draw_data(
        Article(
            points=data.points, noise=data.noise, data_seed=data.seed, split_seed=data.seed,
            test_share=TEST_SHARE,
        )
    )  # fmt: skip
    x, x_test = (np.asarray(part, dtype=np.float64) for part in (drawn.x_train, drawn.x_test))
    y, y_test = drawn.y_train, drawn.y_test
    raw, _ = dataset("moons", noise=data.noise).draw(data.points, data.seed)
    _, law = dataset("moons", noise=data.noise).standardised(raw)
    far: Any = drawn.far_point(0)
    whole = Split(x, y, x_test, y_test, law, floor(x, y, x_test, y_test, 2))
    return _points(whole, ("x₁", "x₂"), ("0", "1"), 1.0, (far[0], far[1]), law)


def _planar(found: Split, names: tuple[str, ...], what: str) -> Points:
    """Points of any dimension in a plane: as they are, or on two principal directions."""
    if found.x.shape[1] == 2:
        return _points(found, ("x₁", "x₂"), names, 1.0, law=found.law)
    if found.x.shape[1] == 1:
        flat = [np.concatenate([x, np.zeros_like(x)], axis=1) for x in (found.x, found.x_test)]
        return _points(_moved(found, *flat), ("x₁", "nothing"), names, 1.0)
    mean = found.x.mean(axis=0)
    _, s, directions = np.linalg.svd(found.x - mean, full_matrices=False)
    plane = directions[:2].T / (s[0] / np.sqrt(len(found.x)) or 1.0)
    moved = _moved(found, (found.x - mean) @ plane, (found.x_test - mean) @ plane)
    shares = s**2 / max(float((s**2).sum()), 1e-300)
    of = f" of {found.x.shape[1]} {what or 'columns'}"
    axes = [f"principal direction {i + 1}{of}, {shares[i]:.0%} of the variance" for i in (0, 1)]
    return _points(moved, (axes[0], axes[1]), names, float(shares[:2].sum()))


def _moved(found: Split, x: Floats, x_test: Floats) -> Split:
    """Other coordinates, in which no law is known."""
    line = floor(x, found.y, x_test, found.y_test, len(np.unique(found.y)))
    return Split(x, found.y, x_test, found.y_test, found.law, line)


def _points(
    found: Split,
    axes: tuple[str, str],
    names: tuple[str, ...],
    kept: float,
    far: tuple[float, float] | None = None,
    law: Dataset | None = None,
) -> Points:
    every = np.concatenate([found.x, found.x_test])
    middle = 0.5 * (every.max(axis=0) + every.min(axis=0))
    half = 0.5 * float((every.max(axis=0) - every.min(axis=0)).max()) + MARGIN
    first = every[np.argmax(np.abs(every[:, 0] - middle[0]))] if far is None else far
    return Points(
        x=found.x,
        y=found.y.astype(np.int64),
        x_test=found.x_test,
        y_test=found.y_test.astype(np.int64),
        classes=len(names),
        law=law,
        low=middle - half,
        high=middle + half,
        axes=axes,
        names=names,
        linear=found.linear,
        kept=kept,
        far=(float(first[0]), float(first[1])),
    )


def _table(text: str) -> Points:
    """The user's CSV: numbers, and the class in the last column."""
    if not text.strip():
        raise InputError("your data: choose a CSV file: columns of numbers, the class in the last")
    lines = text.count("\n") + 1
    if lines > MOST_ROWS + 2:
        raise InputError(f"your data: {lines:,} lines: expected at most {MOST_ROWS:,} points")
    with tempfile.TemporaryDirectory(prefix="actscope-") as folder:
        path = Path(folder) / FILE
        path.write_text(text, "utf8")
        try:
            return _read(dataset("table", path=str(path)), text)
        except InputError as error:
            raise InputError(str(error).replace(f"table: {FILE}", "your data")) from None


def _read(law: Dataset, text: str) -> Points:
    """The points of a table that is there, if they are some that can be shown."""
    x, _ = law.draw(None, np.random.default_rng(0))
    if len(x) < FEWEST_ROWS:
        raise InputError(f"your data: {len(x)} points: expected at least {FEWEST_ROWS}")
    if not 2 <= law.classes <= MOST_CLASSES:
        what = f"{law.classes} class" if law.classes else "numbers that are no classes"
        what += "es" if law.classes > 1 else ""
        raise InputError(
            f"your data: the last column holds {what}: expected 2 to {MOST_CLASSES} classes"
        )
    if law.dim > MOST_COLUMNS:
        raise InputError(
            f"your data: {law.dim} columns beside the class: expected at most {MOST_COLUMNS}"
        )
    return _planar(split(named(law), ALL, TEST_SHARE, 0), _class_names(text), "")


def _class_names(text: str) -> tuple[str, ...]:
    """The classes as the file writes them, in the order of their numbers."""
    import csv
    import io

    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    last = [row[-1].strip() for row in rows]
    header = not any(_is_number(cell) for cell in rows[0])
    found = set(last[1:] if header else last)
    if all(_is_number(name) for name in found):
        return tuple(f"{v:g}" for v in sorted({float(name) for name in found}))
    return tuple(sorted(found))


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False
