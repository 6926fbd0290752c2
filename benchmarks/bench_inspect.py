"""What looking at a model costs, against the bare step and against peers.

    python benchmarks/bench_inspect.py [--rounds 15] [--peers]

Process CPU time on one thread, measured in turn with the bare step (A B C A B C); printed are
medians of the ratios round by round. `--peers` adds TorchLens and torch-module-monitor, which have
to be installed. Models: MLP 784-8×256-10 with batch 256; GPT-2 from a config, 4 layers, d 256,
8×128 tokens; Hugging Face ResNet, basic 2-2-2-2, 8×3×64×64.
"""

from __future__ import annotations

import argparse
import gc
import importlib.metadata
import time
import tracemalloc
import warnings
from collections.abc import Callable
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
Loss = Callable[[], Any]


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


def in_turn(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, np.ndarray]:
    """Seconds of process CPU time of each call in every round, measured in turn."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.process_time()
            call()
            taken[name].append(time.process_time() - start)
    return {name: np.array(values) for name, values in taken.items()}


class Looked:
    """A model whose every forward pass is measured, as `watch` measures a due one."""

    def __init__(self, make: Callable[[], Any], measures: Measures) -> None:
        torch.manual_seed(0)
        self.model, self.inputs, self.run = make()
        self.identities: dict[Any, Any] = {}
        self.measures = measures
        self.tracker = Tracker(self.model, Collector(measures))
        self.tracker.attach()

    def __call__(self, call: Callable[..., Any], *args: Any) -> None:
        """Make a call with fresh sums."""
        self.tracker.listener = Collector(self.measures, None, self.identities)
        call(*args)


def forward(model: nn.Module, inputs: dict[str, Any]) -> None:
    """One forward pass without a graph."""
    with torch.no_grad():
        model(**inputs)


def measure(name: str, make: Callable[[], Any], rounds: int, peers: bool) -> None:
    """Print one model's ratios beside the targets."""
    torch.manual_seed(0)
    model, inputs, run = make()
    look = Looked(make, Measures(gradients=False, rows=0, pairs=False))
    back = Looked(make, Measures(rows=0, pairs=False))
    torch.manual_seed(0)
    idle, _, idle_run = make()
    with watch(idle, every=1 << 40):
        calls: dict[str, Callable[[], Any]] = {
            "forward": lambda: forward(model, inputs),
            "step": lambda: step(model, run),
            "forward, moments": lambda: look(forward, look.model, inputs),
            "step, moments and gradients": lambda: back(step, back.model, back.run),
            "step, idle": lambda: step(idle, idle_run),
            "geometry, 128 rows": lambda: inspect(model, inputs, rows=128, full=False),
        }
        lines = list(calls)[2:]
        if peers:
            calls |= {
                f"peer {n}": f
                for n, f in (*torchlens(model, inputs).items(), *monitor(make).items())
            }
        taken = in_turn(calls, rounds)
    bare = [np.median(taken[n]) * 1e3 for n in ("forward", "step")]
    print(f"{name}: forward {bare[0]:.1f} ms, step {bare[1]:.1f} ms of CPU time")
    for line, target in zip(lines, TARGETS[name], strict=True):
        got = ratio(taken, line)
        print(f"  {line:34s}{got:8.3f}   to reach {target}{'' if got <= target else '   MISSED'}")
    moments, geometry, more = memory(model, inputs, look)
    late = "" if moments <= 0.1 else "   MISSED"
    print(f"  {'memory, moments / activations':34s}{moments:8.3f}   to reach 0.1{late}")
    print(f"  {'memory, geometry / activations':34s}{geometry:8.3f}   (samples: does not grow)")
    print(f"  {'left behind by 20 more forwards':34s}{more:8.3f}   to reach 0")
    for line in calls:
        if line.startswith("peer"):
            print(f"  {line:34s}{ratio(taken, line):8.3f}")


def step(model: nn.Module, run: Loss) -> None:
    """One training step without the optimiser's part."""
    model.zero_grad()
    run().backward()


def ratio(taken: dict[str, np.ndarray], line: str) -> float:
    """The median over rounds of a call's time over the bare one's."""
    bare = taken["step" if line.startswith("step") else "forward"]
    return float(np.median(taken[line] / bare))


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
    moments = held(lambda: look(forward, look.model, inputs))[0]
    geometry = held(lambda: inspect(model, inputs, rows=128, full=False))[0]
    more = growth(lambda: forward(look.model, inputs))
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


def torchlens(model: nn.Module, inputs: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """TorchLens: every operation of a forward pass logged."""
    import torchlens

    name = f"torchlens {importlib.metadata.version('torchlens')}"
    args, kwargs = ((inputs["input"],), {}) if "input" in inputs else ((), inputs)
    return {name: lambda: torchlens.trace(model, args, dict(kwargs))}


def monitor(make: Callable[[], Any]) -> dict[str, Callable[[], Any]]:
    """torch-module-monitor: mean, spread, range and zeros of every module's output per unit."""
    from torch_module_monitor import ModuleMonitor

    torch.manual_seed(0)
    model, inputs, _ = make()
    looked = ModuleMonitor(monitor_step_fn=lambda step: True)
    looked.set_module(model)
    rows = lambda x: x.flatten(2).movedim(1, -1).flatten(0, 1) if x.ndim == 4 else x.flatten(0, -2)
    for name, f in {
        "mean": lambda x: rows(x).sum(0),
        "square": lambda x: rows(x).square().sum(0),
        "least": lambda x: rows(x).amin(0),
        "most": lambda x: rows(x).amax(0),
        "active": lambda x: rows(x).sign().sum(0),
    }.items():
        looked.add_activation_metric(name, f, metric_regex=r".*(act|activation|\.?\d*[13579])$")
    count = iter(range(1 << 40))

    def call() -> None:
        looked.begin_step(next(count))
        with torch.no_grad():
            model(**inputs)
        looked.end_step()

    return {f"torch-module-monitor {importlib.metadata.version('torch-module-monitor')}": call}


def main() -> None:
    """Measure all models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--only", choices=list(TARGETS))
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for name, make in (("mlp", mlp), ("gpt2", gpt2), ("resnet", resnet)):
        if args.only in (None, name):
            measure(name, make, args.rounds, args.peers)


if __name__ == "__main__":
    main()
