"""The engine against its peers: the same training, the same machine, interleaved in one run.

    python benchmarks/bench_engine.py            # everything, about 25 minutes on two cores
    python benchmarks/bench_engine.py --rounds 1 --only relu --scale 0.2

Work: article-size networks (2-8-8-1, 300 points, 800 epochs of batches of 64, SGD, BCE) and
2-[32]x8-1. Every peer uses all cores: those that train one network at a time run one process a
core, those that train many at once take the threads that they take. Slow peers train fewer
networks or epochs; every figure is wall time for one whole training of one network, with compile
time apart. The batched peers and the engine see the points in one order for all networks, as the
article's two networks do; the engine's time with an order for each network stands beside it.
The peers' programs are in engine_peers.py.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import statistics
import threading
import time
from collections.abc import Callable
from ctypes import c_int64, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import engine_peers as peers
import numpy as np

from actscope.engine.api import train
from actscope.engine.compile import Library, host
from actscope.engine.emit import Code
from actscope.engine.lanes import LaneType
from actscope.engine.spec import Net, Training, Weights
from actscope.engine.train import available_cores, host_lanes
from actscope.engine.workspace import aligned

CORES = available_cores()
ARTICLE, DEEP = (2, 8, 8, 1), (2, *(32,) * 8, 1)
# least ratios (peer's time over the engine's) for ReLU, and for sigmoid and GELU
REQUIRED = {"numpy": (120.0, 80.0), "torch bmm": (20.0, 12.0), "jax": (10.0, 6.0)}
REQUIRED_PEAK = {ARTICLE: 0.38, DEEP: 0.60}


def fma_peak() -> float:
    """GFLOP/s of all cores: chains of fma that never leave the registers."""
    lanes, chains, steps = LaneType("float32", host_lanes("float32")), 12, 2_000_000
    code = Code("peak")
    with code.function("run", "pi") as (p, n):
        p = p.to(lanes)
        sums = [code.variable(p[i]) for i in range(chains)]
        factor, term = p[chains], p[chains + 1]
        with code.loop(n):
            for s in sums:
                s.set(s.get().times_plus(factor, term))
        for i, s in enumerate(sums):
            p[i] = s.get()
    library = Library(str(code))
    run = library.function("run", c_void_p, c_int64)
    rooms = [aligned((chains + 2, lanes.count), np.dtype("float32")) for _ in range(CORES)]
    workers = [threading.Thread(target=run, args=(r.ctypes.data, steps)) for r in rooms]
    began = time.perf_counter()
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return 2 * chains * steps * lanes.count * CORES / (time.perf_counter() - began) / 1e9


def operations(sizes: tuple[int, ...], points: int, epochs: int) -> float:
    """Floating-point operations of the matrix products of one training."""
    products = 3 * sum(i * o for i, o in itertools.pairwise(sizes))
    return 2.0 * (products - sizes[0] * sizes[1]) * points * epochs


@dataclass
class Peer:
    """One way to train: `run(epochs)` trains `networks` networks for so many epochs."""

    name: str
    networks: int
    epochs: int
    run: Callable[[int], Any]
    prepare: Callable[[], Any] = lambda: None

    def time(self, full: int) -> float:
        """Seconds of wall time for one whole training of one network."""
        began = time.perf_counter()
        self.run(self.epochs)
        return (time.perf_counter() - began) / self.networks * full / self.epochs


def engine(sizes: tuple[int, ...], phi: str, networks: int, epochs: int, own: bool) -> Peer:
    """The engine; own: every network has an order of its own."""
    x, y = peers.points()
    net = Net(sizes[0], sizes[1:-1], sizes[-1], activations=phi)

    pairs = peers.start(sizes, networks)
    weights = Weights(tuple(w for w, _ in pairs), tuple(b[:, 0] for _, b in pairs))

    def run(count: int) -> None:
        orders = None if own else peers.orders(count)
        training = Training(epochs=count)
        train(net, (x, y), training, seeds=range(networks), weights=weights, orders=orders)

    name = "actscope, own orders" if own else "actscope"
    return Peer(name, networks, epochs, run, lambda: run(1))


def crew(sizes: tuple[int, ...], phi: str, scale: float) -> list[Peer]:
    """The engine and its peers for one kind of network."""
    full, many = (800, 1024) if sizes == ARTICLE else (100, 64)
    few = max(2, round(20 * scale))
    found = [
        engine(sizes, phi, many, full, own=False),
        engine(sizes, phi, many, full, own=True),
    ]
    for name, make in peers.BATCHED.items():
        step = make(sizes, phi, many)
        if step is not None:
            found.append(Peer(name, many, few, step, lambda step=step: step(few)))
    for name, one in peers.SINGLE.items():
        if peers.has(name, phi):
            epochs = max(2, round(full * scale / 2))
            work = peers.in_processes(one, sizes, phi, CORES)
            found.append(Peer(name, CORES, epochs, work, lambda work=work: work(1)))
    return found


def measure(sizes: tuple[int, ...], phi: str, rounds: int, scale: float) -> list[dict[str, Any]]:
    """Time everyone in turn, `rounds` times; medians."""
    full = 800 if sizes == ARTICLE else 100
    everyone = crew(sizes, phi, scale)
    times: dict[str, list[float]] = {p.name: [] for p in everyone}
    first, peaks = {}, []
    for peer in everyone:
        began = time.perf_counter()
        peer.prepare()
        first[peer.name] = time.perf_counter() - began
    for _ in range(rounds):
        peaks.append(fma_peak())
        for peer in everyone:
            times[peer.name].append(peer.time(full))
    ours = statistics.median(times["actscope"])
    peak = max(peaks)
    rows = []
    for name, values in times.items():
        middle = statistics.median(values)
        row = {
            "net": "-".join(map(str, sizes)),
            "phi": phi,
            "who": name,
            "ms": middle * 1e3,
            "ratio": middle / ours,
            "least": min(values) * 1e3,
            "most": max(values) * 1e3,
            "first_call_s": first[name],
        }
        if name.startswith("actscope"):
            speed = operations(sizes, 300, full) / middle / 1e9
            row |= {"gflops": speed, "peak": peak, "share": speed / peak}
        rows.append(row)
    peers.close()
    return rows


def verdicts(rows: list[dict[str, Any]]) -> list[str]:
    """What is required, and whether it is met."""
    lines = []
    for row in rows:
        sizes = tuple(int(s) for s in row["net"].split("-"))
        if row["who"] in REQUIRED and sizes == ARTICLE:
            least = REQUIRED[row["who"]][row["phi"] != "relu"]
            lines.append(_verdict(f"{row['phi']}: {row['who']}", row["ratio"], least, "×"))
        if row["who"] == "actscope" and row["phi"] == "relu":
            lines.append(
                _verdict(f"{row['net']}: share of peak", row["share"], REQUIRED_PEAK[sizes], "")
            )
    return lines


def _verdict(what: str, found: float, least: float, unit: str) -> str:
    return (
        f"{'met   ' if found >= least else 'MISSED'} {what}: {found:.3g}{unit} (≥ {least:g}{unit})"
    )


def main() -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the peers' epochs timed")
    parser.add_argument("--only", nargs="*", default=["relu", "sigmoid", "gelu", "deep"])
    parser.add_argument("--out", type=Path, default=Path("bench_engine.json"))
    chosen = parser.parse_args()
    work = [(ARTICLE, phi) for phi in ("relu", "sigmoid", "gelu") if phi in chosen.only]
    work += [(DEEP, "relu")] if "deep" in chosen.only else []
    rows: list[dict[str, Any]] = []
    for sizes, phi in work:
        found = measure(sizes, phi, chosen.rounds, chosen.scale)
        rows += found
        print(f"\n{found[0]['net']}, {phi}: ms for one training of one network")
        for row in found:
            share = ""
            if "share" in row:
                share = f"  {row['share']:.0%} of peak ({row['peak']:.0f} GFLOP/s)"
            print(
                f"  {row['who']:<22}{row['ms']:>10.3f}  {row['ratio']:>8.1f}×  "
                f"[{row['least']:.3f}, {row['most']:.3f}]  first call {row['first_call_s']:.1f} s"
                f"{share}",
                flush=True,
            )
    machine = {"cpu": host()[0], "cores": CORES, "python": platform.python_version()}
    about = {"machine": machine, "load": os.getloadavg(), "versions": peers.versions()}
    chosen.out.write_text(json.dumps({**about, "rounds": chosen.rounds, "rows": rows}, indent=1))
    print()
    print("\n".join(verdicts(rows)))


if __name__ == "__main__":
    main()
