"""What looking at a model costs, against the bare step and against peers.

    python benchmarks/bench_inspect.py [--rounds 15] [--peers] [--write]

Process CPU time on one thread. Each line is measured in turn with the bare forward or step, in an
order drawn anew each round (what ran before decides what the caches hold); printed are medians of
the ratios round by round, with their quartiles. Short steps are measured in more rounds. `--peers`
adds TorchLens and torch-module-monitor, which have to be installed. Models: MLP 784-8×256-10 with
batch 256; GPT-2 from a config, 4 layers, d 256, 8×128 tokens; Hugging Face ResNet, basic 2-2-2-2,
8×3×64×64. `--write` puts the table into docs/inspect.md.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib.metadata
import itertools
import time
import tracemalloc
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel, ResNetConfig, ResNetForImageClassification

from actscope.probe.collector import Collector, Measures
from actscope.probe.survey import inspect
from actscope.probe.tracker import Tracker
from actscope.probe.watching import watch

# name -> (forward, training step, idle step, geometry report) to reach
TARGETS = {
    "mlp": (1.45, 1.25, 1.02, 6.0),
    "gpt2": (1.15, 1.10, 1.02, 1.4),
    "resnet": (1.30, 1.15, 1.02, 2.3),
}
LONG = 0.5  # seconds of bare steps that are measured at least
Loss = Callable[[], Any]
DOCS = Path(__file__).parent.parent / "docs" / "inspect.md"
BEGIN, END = "<!-- benchmarks/bench_inspect.py: begin -->", "<!-- end -->"


def mlp() -> tuple[nn.Module, dict[str, Any], Loss]:
    """The multi-layer perceptron, its input and its loss."""
    layers: list[nn.Module] = []
    for i in range(8):
        layers += [nn.Linear(784 if i == 0 else 256, 256), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(256, 10))
    x, y = torch.randn(256, 784), torch.randint(0, 10, (256,))
    return model, {"input": x}, lambda: nn.functional.cross_entropy(model(x), y)


def gpt2() -> tuple[nn.Module, dict[str, Any], Loss]:
    """GPT-2 from a config."""
    model = GPT2LMHeadModel(GPT2Config(n_layer=4, n_embd=256, n_head=4))
    ids = torch.randint(0, 50257, (8, 128))
    return model, {"input_ids": ids}, lambda: model(input_ids=ids, labels=ids).loss


def resnet() -> tuple[nn.Module, dict[str, Any], Loss]:
    """Hugging Face's ResNet from a config."""
    config = ResNetConfig(
        layer_type="basic",
        depths=[2, 2, 2, 2],
        hidden_sizes=[64, 128, 256, 512],
        embedding_size=64,
        num_labels=10,
    )
    model = ResNetForImageClassification(config)
    x, y = torch.randn(8, 3, 64, 64), torch.randint(0, 10, (8,))
    return model, {"pixel_values": x}, lambda: model(pixel_values=x, labels=y).loss


Timed = tuple[contextlib.AbstractContextManager[Any], Callable[[], Any]]  # around it, and a call


def in_turn(calls: Sequence[Timed], rounds: int) -> np.ndarray:
    """Seconds of process CPU time of calls that are made in turn: (rounds, calls).

    What stands around a call (hooks that are attached and taken off) is not timed.
    """
    taken = np.empty((rounds, len(calls)))
    order = np.random.default_rng(0)
    for around, call in calls:
        with around:
            call()
            call()
    for i in range(rounds):
        for k in order.permutation(len(calls)):
            around, call = calls[k]
            with around:
                start = time.process_time()
                call()
                taken[i, k] = time.process_time() - start
    return taken


class Looked:
    """A model whose forward passes are measured inside the block, as `watch` measures a due one.

    All that is timed runs on one model, so that the weights are as near for each.
    """

    def __init__(self, model: nn.Module, measures: Measures) -> None:
        self.identities: dict[Any, Any] = {}
        self.measures = measures
        self.tracker = Tracker(model, Collector(measures))

    def __enter__(self) -> None:
        self.tracker.attach()

    def __exit__(self, *error: object) -> None:
        self.tracker.detach()

    def __call__(self, call: Callable[..., Any], *args: Any) -> None:
        """Make a call with fresh sums."""
        self.tracker.listener = Collector(self.measures, None, self.identities)
        call(*args)


def forward(model: nn.Module, inputs: dict[str, Any]) -> None:
    """One forward pass without a graph."""
    with torch.no_grad():
        model(**inputs)


@dataclass(frozen=True)
class Line:
    """One figure of a model: a ratio, its quartiles (NaN for memory), what is to be reached."""

    what: str
    value: float
    low: float = float("nan")
    high: float = float("nan")
    target: float = float("inf")


def measure(name: str, make: Callable[[], Any], rounds: int, peers: bool) -> list[Line]:
    """One model's ratios, printed beside what is to be reached."""
    torch.manual_seed(0)
    model, inputs, run = make()
    look = Looked(model, Measures(gradients=False, rows=0, pairs=False))
    back = Looked(model, Measures(rows=0, pairs=False))
    bare = contextlib.nullcontext()
    alone = {
        "forward": (bare, lambda: forward(model, inputs)),
        "step": (bare, lambda: step(model, run)),
    }
    calls: dict[str, Timed] = {
        "forward, moments": (look, lambda: look(forward, model, inputs)),
        "step, moments and gradients": (back, lambda: back(step, model, run)),
        "step, idle": (watch(model, every=1 << 40), lambda: step(model, run)),
        "geometry, 128 rows": (bare, lambda: inspect(model, inputs, rows=128, full=False)),
    }
    if peers:
        others = torchlens(model, inputs) | monitored(model, inputs)
        calls |= {f"peer {name}": timed for name, timed in others.items()}
    forwards, steps = np.median(in_turn(list(alone.values()), rounds), axis=0) * 1e3
    print(f"{name}: forward {forwards:.1f} ms, step {steps:.1f} ms of CPU time")
    rounds = max(rounds, int(LONG * 1e3 / steps))  # short steps scatter more
    targets = itertools.chain(TARGETS[name], itertools.repeat(float("inf")))
    lines = [
        ratio(line, alone["step" if line.startswith("step") else "forward"], call, rounds, target)
        for (line, call), target in zip(calls.items(), targets, strict=False)
    ]
    moments, geometry, more = memory(model, inputs, look)
    lines += [
        Line("memory of a forward with moments, over all activations", moments, target=0.1),
        Line("memory of a geometry report, over all activations", geometry),
        Line("left behind by 20 more forwards, over all activations", more, target=0.005),
    ]
    for line in lines:
        to_reach = f"   to reach {line.target}" if np.isfinite(line.target) else ""
        missed = "   MISSED" if line.value > line.target else ""
        print(f"  {line.what:54s}{cell(line):>24s}{to_reach}{missed}")
    return lines


def cell(line: Line) -> str:
    """A figure as text: "1.31 (1.28 to 1.35)"."""
    spread = f" ({line.low:.3g} to {line.high:.3g})" if np.isfinite(line.low) else ""
    return f"{line.value:.3g}{spread}"


def page(found: dict[str, list[Line]]) -> None:
    """Write the table into docs/inspect.md."""
    heads = {"mlp": "MLP", "gpt2": "GPT-2", "resnet": "ResNet"}
    rows = [["over the bare forward or step", *(heads[name] for name in found)], ["---"] * 4]
    for lines in zip(*found.values(), strict=True):
        cells = []
        for line in lines:
            finite = np.isfinite(line.target)
            cells.append(f"{cell(line)}{f'; aim {line.target:g}' if finite else ''}")
        rows.append([lines[0].what, *cells])
    text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    before, _, rest = DOCS.read_text("utf8").partition(BEGIN)
    DOCS.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}", "utf8")


def step(model: nn.Module, run: Loss) -> None:
    """One training step without the optimiser's part."""
    model.zero_grad()
    run().backward()


def ratio(line: str, bare: Timed, call: Timed, rounds: int, target: float) -> Line:
    """A call's time over the bare one's, measured in turn: median and quartiles over rounds."""
    taken = in_turn([bare, call], rounds)
    low, middle, high = np.quantile(taken[:, 1] / taken[:, 0], (0.25, 0.5, 0.75))
    return Line(line, float(middle), float(low), float(high), target)


def memory(model: nn.Module, inputs: dict[str, Any], look: Looked) -> tuple[float, float, float]:
    """What looking needs, over the size of all modules' outputs together.

    Returns:
        The peak of a forward with moments and of a geometry report, above a bare forward's, and
        what 20 more forwards of one look leave behind.
    """
    total = 0

    def add(module: nn.Module, args: Any, out: Any) -> None:
        nonlocal total
        if not module._modules and isinstance(out, torch.Tensor):
            total += out.numel() * out.element_size()

    handle = torch.nn.modules.module.register_module_forward_hook(add)
    forward(model, inputs)
    handle.remove()
    bare = held(lambda: forward(model, inputs))[0]
    with look:
        moments = held(lambda: look(forward, model, inputs))[0]
    geometry = held(lambda: inspect(model, inputs, rows=128, full=False))[0]
    with look:
        more = growth(lambda: forward(model, inputs))
    return (moments - bare) / total, (geometry - bare) / total, more / total


def growth(call: Callable[[], Any]) -> int:
    """Bytes that 20 calls leave behind, after 20 others."""
    seen: list[int] = []

    def twice() -> None:
        for _ in range(2):
            for _ in range(20):
                call()
            gc.collect()
            seen.append(tracemalloc.get_traced_memory()[0])

    tensors = held(twice)[1]
    return max(tensors, 0) + seen[1] - seen[0]


def held(call: Callable[[], Any]) -> tuple[int, int]:
    """Bytes that torch and NumPy held during a call at most, and that torch holds after it."""
    from torch.profiler import ProfilerActivity, profile

    gc.collect()
    tracemalloc.start()
    try:
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            call()
            highest = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    left = most = 0
    events = seen.profiler.kineto_results.events()
    for event in sorted((e for e in events if e.name() == "[memory]"), key=lambda e: e.start_ns()):
        left += event.nbytes()
        most = max(most, left)
    return most + highest - before, left


def torchlens(model: nn.Module, inputs: dict[str, Any]) -> dict[str, Timed]:
    """TorchLens: every operation of a forward pass logged."""
    import torchlens

    name = f"torchlens {importlib.metadata.version('torchlens')}"
    args, kwargs = ((inputs["input"],), {}) if "input" in inputs else ((), inputs)
    return {name: (contextlib.nullcontext(), lambda: torchlens.trace(model, args, dict(kwargs)))}


class Monitor:
    """torch-module-monitor: sum, squares, range and signs of every activation's output per unit.

    Args:
        model: any; what is monitored are the modules whose names end as its activations' do.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def __enter__(self) -> None:
        from torch_module_monitor import ModuleMonitor

        self.monitor = ModuleMonitor(monitor_step_fn=lambda step: True)
        rows = lambda x: (
            x.flatten(2).movedim(1, -1).flatten(0, 1) if x.ndim == 4 else x.flatten(0, -2)
        )
        for name, f in {
            "mean": lambda x: rows(x).sum(0),
            "square": lambda x: rows(x).square().sum(0),
            "least": lambda x: rows(x).amin(0),
            "most": lambda x: rows(x).amax(0),
            "active": lambda x: rows(x).sign().sum(0),
        }.items():
            sites = r".*(act|activation|\.?\d*[13579])$"
            self.monitor.add_activation_metric(name, f, metric_regex=sites)
        self.monitor.set_module(self.model)
        self.count = 0

    def __exit__(self, *error: object) -> None:
        self.monitor.activation_hooks.remove_all_hooks()

    def __call__(self, call: Callable[..., Any], *args: Any) -> None:
        """Make a call as a step of its own."""
        self.monitor.begin_step(self.count)
        call(*args)
        self.monitor.end_step()
        self.count += 1


def monitored(model: nn.Module, inputs: dict[str, Any]) -> dict[str, Timed]:
    """torch-module-monitor."""
    name = f"torch-module-monitor {importlib.metadata.version('torch-module-monitor')}"
    monitor = Monitor(model)
    return {name: (monitor, lambda: monitor(forward, model, inputs))}


def main() -> None:
    """Measure all models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--only", choices=list(TARGETS))
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    if args.write and (args.only or not args.peers):
        parser.error("--write takes all models and --peers")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    found = {
        name: measure(name, make, args.rounds, args.peers)
        for name, make in (("mlp", mlp), ("gpt2", gpt2), ("resnet", resnet))
        if args.only in (None, name)
    }
    if args.write:
        page(found)


if __name__ == "__main__":
    main()
