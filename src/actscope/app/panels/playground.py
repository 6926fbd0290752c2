"""The playground panel: two networks side by side, trained on the engine as one watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actscope.activations._lookup import SHELF as ACTIVATIONS
from actscope.app import playground_setup as asked
from actscope.app.panels._base import Panel, Reply
from actscope.app.playground import FASTEST, Playground
from actscope.app.playground_points import MOST_CLASSES, MOST_ROWS, points_of
from actscope.app.request import Request
from actscope.datasets._lookup import dataset
from actscope.engine.spec import OPTIMISERS
from actscope.inits._lookup import SHELF as INITS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OWN_LABELS = {"table": "Your CSV", "digits": "Digits (PCA)"}


def options(request: Request) -> Reply:
    """What the menus offer, and the bounds."""
    data = []
    for name in asked.DATA:
        law = dataset(name)
        noise = {p.name: p.default for p in law.params}.get("noise")
        label = OWN_LABELS.get(name, law.label)
        data.append({"name": name, "label": label, "noise": noise, "summary": law.summary})
    return {
        "data": data,
        "activations": [{"name": one.name, "label": one.label} for one in ACTIVATIONS],
        "inits": [{"name": one.name, "label": one.label, "summary": one.summary} for one in INITS],
        "optimisers": list(OPTIMISERS),
        "depth": asked.MOST_DEPTH,
        "width": asked.MOST_WIDTH,
        "points": asked.MOST_POINTS,
        "epochs": asked.MOST_EPOCHS,
        "many": asked.MANY,
        "fastest": FASTEST,
        "rows": MOST_ROWS,
        "classes": MOST_CLASSES,
        "characters": asked.MOST_TABLE,
    }


def warm() -> None:
    """Draw the article's points, find their true boundary, compile both programs."""
    setup = asked.setup_of(Request())
    _ = points_of(setup.data, setup.published).distances
    Playground(Request({"atA": 0, "atB": 0})).step(Request())


def picture(request: Request) -> Figure:
    """Both planes and the losses, where no kernel runs."""
    from actscope.app.playground_picture import picture_of

    return picture_of(request)


RECORD = Panel(
    name="playground",
    label="Playground",
    order=4,
    lead=(
        "Two networks learn the same points side by side. They start as the article trained them, "
        "finished; change anything and press Play."
    ),
    questions={"options": options},
    streams={"train": Playground},
    picture=picture,
    warm=warm,
)
