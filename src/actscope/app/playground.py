"""The playground's stream: two sides that train side by side while one window watches."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from actscope.app import playground_setup as asked
from actscope.app import playground_view as seen
from actscope.app import playground_words as words
from actscope.app.playground_points import Points, points_of
from actscope.app.playground_run import Run
from actscope.app.playground_setup import MOST_EPOCHS, SIDES, Setup
from actscope.app.request import Request
from actscope.errors import InputError
from actscope.maths.blas import ONE_BLAS_THREAD

Reply = dict[str, Any]

COARSE, COARSE_MANY, FINE, FINE_MANY = 50, 24, 120, 60  # pixels of the plane: running, at rest
PATIENCE = 0.03  # seconds of training of a side in one frame
SHARE = 0.2  # of the time that numbers by layer may take while a training runs
QUICK = 0.12  # seconds: what takes longer waits for a pause
OFTEN, SELDOM = 0.25, 1.5  # seconds between two measurements while it runs: by layer, fidelity
AT_ONCE = 8  # networks whose fidelity is measured in one go
FASTEST = 200  # epochs a frame


class Playground:
    """Two sides that train side by side.

    Args:
        request: the settings; `atA` and `atB`, the epochs that the sides are trained up to first,
            and `pastA` and `pastB`, the rates on the way there.
    """

    def __init__(self, request: Request) -> None:
        self.setup, self.rates = asked.setup_of(request), asked.rates_of(request)
        self.view = view_of(request)
        self.points: Points | None = None
        self.sides = [Side(i, request, self.rates) for i in (0, 1)]
        self.running, self.finished = False, False
        self.speed = request.whole("speed", 1, FASTEST, default=1)
        self.until = request.whole("until", 1, MOST_EPOCHS, default=800)
        self.news = True  # whether there is more to say than was said
        self.busy = False  # whether the page knows that something is compiled
        self.shown_setting = False

    # --- commands

    def tell(self, name: str, request: Request) -> Reply:
        """A command of the page."""
        if name not in COMMANDS:
            raise InputError(f"playground: {name!r}: expected one of {', '.join(COMMANDS)}")
        COMMANDS[name](self, request)
        self.news = True
        return {"running": self.running, "told": name}

    def play(self, request: Request) -> None:
        """Train on: up to `until`, and past it if it is reached already."""
        self.speed = request.whole("speed", 1, FASTEST, default=self.speed)
        self.running, self.finished = True, False
        self.view = replace(self.view, away=away_of(request))
        for side in self.sides:
            here = side.run.epoch if side.run else 0
            side.stop = self.until if here < self.until else MOST_EPOCHS

    def pause(self, request: Request) -> None:
        """Rest."""
        self.running = False

    def step(self, request: Request) -> None:
        """One epoch of both sides."""
        self.running = False
        for run in self._runs():
            run.advance(1)

    def reset(self, request: Request) -> None:
        """Both from the start, with the rates of now."""
        self.running = False
        self._restart((0, 1), self.setup)

    def rewind(self, request: Request) -> None:
        """Both to the last stored epoch up to this one."""
        self.running = False
        epoch = request.whole("epoch", 0, MOST_EPOCHS)
        for run in self._runs():
            run.rewind(epoch)

    def change(self, request: Request) -> None:
        """Other settings; a side that they do not concern stays as it is."""
        setup, rates = asked.setup_of(request), asked.rates_of(request)
        self.until = request.whole("until", 1, MOST_EPOCHS, default=self.until)
        self.speed = request.whole("speed", 1, FASTEST, default=self.speed)
        view = view_of(request)
        if setup != self.setup:
            common = replace(setup, own=self.setup.own) == self.setup
            common = common and setup.published == self.setup.published
            self._restart(
                [i for i in (0, 1) if not common or setup.own[i] != self.setup.own[i]], setup
            )
        for side in self.sides:
            if side.run is not None and not side.goal:
                side.run.change(rates)
            elif side.run is None:
                side.past = [(0, rates)]
        self.rates, self.view = rates, view

    def look(self, request: Request) -> None:
        """Another layer, other axes, another point."""
        self.view = view_of(request)

    def _restart(self, which: Sequence[int], setup: Setup) -> None:
        """Let sides begin anew: they are built with the next frame."""
        points = points_of(setup.data, setup.published)
        setup.check_size(len(points.x), points.outputs)
        nets = [setup.net(i, points.outputs) for i in (0, 1)]
        for net, own in zip(nets, setup.own, strict=True):
            asked.check_init(net, own.init)
        self.setup, self.points, self.finished = setup, points, False
        for i in which:
            self.sides[i] = Side(i, None, self.rates, stop=self.sides[i].stop)
        self.shown_setting = False

    # --- frames

    def frame(self) -> Reply | None:
        """The next update: some epochs and what came of them, or None at rest."""
        with ONE_BLAS_THREAD:
            return self._frame()

    def _frame(self) -> Reply | None:
        if any(side.run is None for side in self.sides):
            if not self.busy:
                self.busy = True
                return {"busy": "Compiling the networks …"}
            self.busy, self.news = False, True
        runs = self._runs()
        if any(side.goal for side in self.sides):
            for side in self.sides:
                side.catch_up(self.rates)
            if any(side.goal for side in self.sides):
                at = [[run.epoch, s.goal] for run, s in zip(runs, self.sides, strict=True)]
                return {"busy": "Training up to where you were …", "at": at}
        if self.running:
            return self._train(runs)
        if self.news:
            self.news = False
            return self._picture(runs, rest=True)
        return self._measure(runs)

    def _runs(self) -> list[Run]:
        """Both sides' runs, made if they are missing; that may compile a program."""
        if self.points is None:
            self._restart((), self.setup)
        assert self.points is not None
        return [side.built(self.points, self.setup) for side in self.sides]

    def _train(self, runs: Sequence[Run]) -> Reply:
        """One frame's epochs."""
        for side, run in zip(self.sides, runs, strict=True):
            left = side.stop - run.epoch
            if left > 0:
                run.advance(min(self.speed, left), PATIENCE)
        if all(run.epoch >= side.stop for side, run in zip(self.sides, runs, strict=True)):
            self.running, self.finished, self.news = False, True, True
        return self._picture(runs, rest=False)

    def _picture(self, runs: Sequence[Run], rest: bool) -> Reply:
        """What the page draws; at rest finely, and with words."""
        assert self.points is not None
        state = "running" if self.running else "finished" if self.finished else "paused"
        point = self.view.point or self.points.far
        parts = [side.part(self.view, point, rest) for side in self.sides]
        reply: Reply = {
            "state": state,
            "running": self.running,
            "point": list(point),
            "banner": words.banner(runs),
            "sides": parts,
        }
        if not self.shown_setting:
            self.shown_setting = True
            reply["setting"] = self._setting(runs)
        if rest:
            reply["words"] = words.conclusion(runs)
            reply["rates"] = [asked.past_text(run.past) for run in runs]
        return reply

    def _setting(self, runs: Sequence[Run]) -> Reply:
        """What stays while it trains: points, names, colours."""
        p = self.points
        assert p is not None
        return {
            "x": p.x, "y": p.y, "x_test": p.x_test, "y_test": p.y_test, "classes": p.classes,
            "names": list(p.names), "axes": list(p.axes), "kept": p.kept, "linear": p.linear,
            "extent": [float(v) for v in (p.low[0], p.high[0], p.low[1], p.high[1])],
            "styles": words.styles(runs), "guess": words.guess(runs[0]),
            "nets": [{"shape": r.net.shape, "parameters": r.net.parameters} for r in runs],
            "networks": len(runs[0].session), "published": self.setup.published,
            "formats": list(seen.FORMATS), "most": MOST_EPOCHS,
            "colours": words.class_colours(p.classes), "ramp": words.ramp(),
        }  # fmt: skip

    def _measure(self, runs: Sequence[Run]) -> Reply | None:
        """At rest, piece by piece: what a linear reader recovers of every layer."""
        assert self.points is not None
        due = [side for side in self.sides if side.unmeasured]
        if not due:
            return None
        if not _known(self.points):
            time.sleep(0.05)  # the distances to the true boundary are being computed beside
            return {"measuring": True}
        due[0].measure()
        return {"fidelity": [side.reader for side in self.sides]}


class Side:
    """One of the two: its run, and what the page knows of it.

    Args:
        number: 0 or 1.
        request: what the page asks for at first; None for a start at epoch 0.
        rates: of now.
        stop: where it is to stop.
    """

    def __init__(
        self, number: int, request: Request | None, rates: asked.Rates, stop: int = MOST_EPOCHS
    ) -> None:
        self.number, self.stop = number, stop
        self.run: Run | None = None
        self.past, self.goal = [(0, rates)], 0
        if request is not None:
            name = SIDES[number]
            self.past = asked.past_of(request, name, rates)
            self.goal = request.whole(f"at{name.upper()}", 0, MOST_EPOCHS, default=800)
        self.space = seen.Space()
        self.told, self.told_scored = 0, -1  # epochs that the page knows
        self.drawn: tuple[int, int] | None = None  # version and size of the map that it has
        self.layers_of, self.layers_at, self.layers_cost = -1, 0.0, 0.0
        self.reader: Reply = {}
        self.reader_of, self.reader_at, self.reader_cost = -1, 0.0, 0.0
        self.reader_parts: list[Any] = []  # by networks, of the weights of version parts_of
        self.parts_of = -1

    def built(self, points: Points, setup: Setup) -> Run:
        """The run, made if it is missing."""
        if self.run is None:
            self.run = Run(points, setup, self.number, self.past[0][1])
        return self.run

    def catch_up(self, rates: asked.Rates) -> None:
        """Train towards the goal, with the rates of each epoch, as long as a frame may take."""
        run = self.run
        assert run is not None
        ends = time.perf_counter() + PATIENCE
        while run.epoch < self.goal and time.perf_counter() < ends:
            run.change([r for at, r in self.past if at <= run.epoch][-1])
            later = [at for at, _ in self.past if at > run.epoch]
            run.advance(min([self.goal, *later]) - run.epoch, PATIENCE)
        if run.epoch >= self.goal:
            self.goal = 0
            run.change(rates)

    def part(self, view: seen.View, point: tuple[float, float], rest: bool) -> Reply:
        """What the page is told of this side: what it does not know yet."""
        run = self.run
        assert run is not None
        now = np.concatenate(
            [run.scores(), run.loss[:, run.epoch - 1 : run.epoch] if run.epoch else _none(run)],
            axis=1,
        )
        reply: Reply = {
            "epoch": run.epoch,
            "known": run.loss.shape[1],
            "now": seen.levels(now),
            "bias": run.weights.b[-1][0],
            "diverged": int((run.diverged_at >= 0).sum()),
            **self._history(),
        }
        away = frozenset() if rest or not self.layers_at else view.away
        if "planes" not in away:
            reply |= self._map(rest)
        if "hidden" not in away:
            reply["hidden"] = seen.hidden(run, view, self.space, fine=rest)
        if "layers" not in away:
            reply |= {"signal": seen.signal(run, point), **self._layers(rest)}
            if not rest and self._may_measure():
                self.measure()
                reply["fidelity"] = self.reader
        if rest:
            reply["stored"] = np.array(run.stored, dtype=np.int32)
        return reply

    def _history(self) -> Reply:
        """Losses and scores that the page has not got."""
        run = self.run
        assert run is not None
        start = min(self.told, run.cut)
        kept = min(self.told_scored, run.cut)
        self.told = run.cut = run.loss.shape[1]
        fresh = [epoch for epoch in run.scored if epoch > kept]
        self.told_scored = max([kept, *fresh])
        scores = [seen.levels(run.scores(epoch)) for epoch in fresh]
        return {
            "start": start,
            "loss": seen.levels(run.loss[:, start:]),
            "scored_after": kept,
            "scored": np.array(fresh, dtype=np.int32),
            "scores": np.array(scores) if scores else np.empty((0, 1, 4)),
        }

    def _map(self, rest: bool) -> Reply:
        run = self.run
        assert run is not None
        many = len(run.session) > 1
        size = (FINE_MANY if many else FINE) if rest else (COARSE_MANY if many else COARSE)
        if self.drawn is not None and self.drawn[0] == run.version and self.drawn[1] >= size:
            return {}
        self.drawn = (run.version, size)
        return {"plane": seen.drawn_map(run, size)}

    def _layers(self, rest: bool) -> Reply:
        """The numbers by layer, where they are new and there is time for them."""
        run, began = self.run, time.perf_counter()
        assert run is not None
        if self.layers_of == run.version:
            return {}
        pause = max(OFTEN, self.layers_cost / SHARE)
        if not rest and (self.layers_cost > QUICK or began - self.layers_at < pause):
            return {}
        found = seen.layers(run)
        self.layers_of, self.layers_at = run.version, time.perf_counter()
        self.layers_cost = self.layers_at - began
        return {"layers": found}

    # --- what a linear reader recovers

    @property
    def unmeasured(self) -> bool:
        """Whether the fidelity of the weights as they are is not known."""
        return self.run is not None and self.reader_of != self.run.version

    def _may_measure(self) -> bool:
        """Whether there is time for it while it runs."""
        run, now = self.run, time.perf_counter()
        assert run is not None
        quick = 0.0 < self.reader_cost < QUICK or not self.reader
        pause = max(SELDOM, self.reader_cost / SHARE)
        alone = len(run.session) == 1 and _known(run.points)
        return alone and quick and now - self.reader_at > pause and self.unmeasured

    def measure(self) -> None:
        """Measure the next networks; after the last, `reader` holds the levels."""
        run, began = self.run, time.perf_counter()
        assert run is not None
        if self.parts_of != run.version:
            self.reader_parts, self.parts_of = [], run.version
        done = sum(values.shape[1] for values in self.reader_parts)
        name, values = seen.fidelity(run, slice(done, done + AT_ONCE))
        self.reader_parts.append(values)
        every = np.concatenate(self.reader_parts, axis=1)
        self.reader = {
            "metric": name,
            "epoch": run.epoch,
            "of": every.shape[1],
            "values": np.stack([seen.levels(kind) for kind in every]),
        }
        if every.shape[1] == len(run.session):
            self.reader_of, self.parts_of = run.version, -1
        self.reader_at = time.perf_counter()
        self.reader_cost = self.reader_at - began


def _none(run: Run) -> Any:
    return np.full((len(run.session), 1), np.nan)


def _known(points: Points) -> bool:
    """Whether the distances to the true boundary are known; if not, a thread finds them out."""
    if points.law is None or "distances" in points.__dict__:
        return True
    with _LOCK:
        if id(points) not in _FINDING:
            _FINDING.add(id(points))
            threading.Thread(target=_find, args=(points,), daemon=True).start()
    return False


_LOCK = threading.Lock()
_FINDING: set[int] = set()


def _find(points: Points) -> None:
    try:
        _ = points.distances
    finally:
        with _LOCK:
            _FINDING.discard(id(points))


def view_of(request: Request) -> seen.View:
    """What the user looks at."""
    point = request.numbers("point", 2, -100.0, 100.0) if "point" in request.args else []
    return seen.View(
        layer=request.whole("layer", 0, asked.MOST_DEPTH, default=2),
        mode=request.choice("mode", ("units", "pca"), default="pca"),
        first=request.whole("unitX", 1, asked.MOST_WIDTH, default=1) - 1,
        second=request.whole("unitY", 1, asked.MOST_WIDTH, default=2) - 1,
        point=(point[0], point[1]) if len(point) == 2 else None,
        away=away_of(request),
    )


def away_of(request: Request) -> frozenset[str]:
    """What is out of sight."""
    return frozenset(request.texts("away", len(seen.AWAY), 20, ())) & frozenset(seen.AWAY)


COMMANDS = {
    "play": Playground.play,
    "pause": Playground.pause,
    "step": Playground.step,
    "reset": Playground.reset,
    "rewind": Playground.rewind,
    "change": Playground.change,
    "look": Playground.look,
}
