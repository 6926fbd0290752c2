"""The playground in a still picture, for where no kernel runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actscope.app.playground import Playground
from actscope.app.request import Request

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NUMBERS = (
    "noise", "points", "dataSeed", "classes", "depth", "width", "seed", "lr", "batch", "decay",
    "atA", "atB", "layer", "unitX", "unitY", "until", "speed",
)  # fmt: skip
FLAGS = ("many", "normA", "normB", "residualA", "residualB")
LISTS = ("a", "b", "pastA", "pastB")


def arguments(texts: dict[str, Any]) -> dict[str, Any]:
    """What the hash says, as the page would send it: numbers, flags and lists out of texts."""
    found = dict(texts)
    for name in NUMBERS:
        if isinstance(found.get(name), str):
            number = float(found[name])
            found[name] = int(number) if number.is_integer() else number
    for name in FLAGS:
        if name in found:
            found[name] = found[name] in (True, "1", "true")
    for name in LISTS:
        if isinstance(found.get(name), str):
            found[name] = [found[name]]
    if isinstance(found.get("point"), str):
        found["point"] = [float(part) for part in found["point"].split(",")]
    return found


def picture_of(request: Request) -> Figure:
    """Both planes, and the losses over the epochs."""
    from actscope.figures.playground import playground

    stream = Playground(Request(arguments(dict(request.args)), request.settings))
    last: dict[str, Any] = {}
    while (frame := stream.frame()) is not None:
        last |= {k: v for k, v in frame.items() if k in ("sides", "setting", "words")}
        if "words" in frame:
            break
    sides = [
        {
            "label": style["label"],
            "colour": style["colour"],
            "loss": side["loss"],
            **side["plane"],
        }
        for style, side in zip(last["setting"]["styles"], last["sides"], strict=True)
    ]
    return playground(sides, last["setting"], " ".join(last["words"]))
