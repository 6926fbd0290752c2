"""What each extra is for, as functions that use it; run where nothing else is installed.

test_extras.py runs this file in processes that hide every package outside of an extra; and
`make packaging` in environments where nothing else is installed:

    python promises.py PREPARED [EXTRA ...]

uses what these extras promise, "" being what needs none; without one named, what all of them do.

PREPARED is a folder that `prepare` filled; HIDDEN in the environment says, as JSON, which modules
and distributions cannot be seen. One line of JSON is printed for each promise: its name, what came
of it, what files it left, the seconds.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
import sysconfig
import tempfile
import threading
import time
import traceback
import urllib.request
from pathlib import Path

PACKAGES = {Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")}
MISSING = re.compile(r"this needs (\S+), which is not installed: pip install 'actscope\[(\w+)\]'")
GRID = 'activation = ["relu", "tanh"]\npoints = 200\nepochs = 5\nseeds = 2\n'
ONE = 'activation = "relu"\nwidth = 4\npoints = 200\nepochs = 5\nseeds = 1\n'
MODEL = """
import torch
from torch import nn

def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
"""
BERT = {
    "model_type": "bert", "architectures": ["BertForSequenceClassification"], "hidden_size": 8,
    "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 32,
    "max_position_embeddings": 16,
}  # fmt: skip
QUICK = ("--lr-grid", "0.5", "--init-grid", "gain", "--epochs", "100", "--target", "0.85",
         "--max-width", "8", "--batches", "1", "--rounds", "3")  # fmt: skip


class Failed(Exception):
    """A command ended otherwise than it should."""


def command(*words, code=0):
    """Run `actscope` with these words, here; what it printed."""
    from actscope.cli import main

    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["actscope", *words]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as ended:
        if ended.code != code:
            raise Failed(err.getvalue()) from None
    finally:
        sys.argv = before
    return out.getvalue()


def moons():
    import numpy as np

    from actscope.datasets import dataset

    x, y = dataset("moons").draw(100, np.random.default_rng(0))
    return x[:50], y[:50], x[50:], y[50:]


def trained():
    import actscope

    return actscope.train(
        actscope.Net(2, hidden=(4,)), moons(), actscope.Training(epochs=2), seeds=[0]
    )


def model():
    import mymodels

    return mymodels.net()


def batch():
    import torch

    return torch.randn(16, 4, generator=torch.Generator().manual_seed(0))


def watched(to):
    """A short training that `watch` looks at."""
    from actscope import watch as looked

    net = model()
    with looked(net, every=1, to=to) as w:
        net(batch()).sum().backward()
    assert len(w.table) == 1


# without extras


def reproduce():
    command("reproduce", "--out", "article")
    assert Path("article/index.html").is_file()


def reproduce_from_python():
    import actscope

    assert actscope.reproduce().plot()


def list_show_plot():
    assert "gelu" in command("list")
    assert "Leaky ReLU" in command("show", "leaky_relu", "--set", "slope=0.1")
    command("plot", "relu", "x*sigmoid(1.7*x)", "--out", "curves.png")


def assess():
    command("assess", "gelu", "--depth", "2", "--out", "assessed")


def predict():
    command("predict", "--activations", "relu,tanh", "--points", "200", "--networks", "1")


def claims():
    assert "holds" in command("claims", "softmax_overflows", "below_float32", "--fresh")


def catalogue():
    import actscope

    phi = actscope.activation("silu", beta=1.7)
    assert isinstance(phi, actscope.Activation)
    assert actscope.shape("tanh", depth=50).settings
    assert actscope.claim("slope_at_most_quarter").name


def engine():
    import actscope

    assert len(trained().seeds) == 1
    session = actscope.Session(actscope.Net(2), moons()[:2], actscope.Training(lr=0.5), seeds=[0])
    assert session.run(2).shape == (1, 2)
    assert actscope.dead_units("relu", bias=-3.0, spread=0.1)
    assert len(actscope.trace(actscope.Net(2, (4,)), "moons", seeds=range(2), points=50).table)


def library():
    import actscope

    assert len(actscope.predict({"points": 200, "activation": ["relu", "tanh"]}).table) == 2
    assert actscope.ledger(["softmax_overflows"])
    assert actscope.assess("relu", depths=[2])
    assert actscope.Study(lr=[0.1, 0.5]).plan().cells


# study


def study():
    command("study", "grid.toml", "--out", "trained")
    assert "4 trials" in command("study", "grid.toml", "--dry-run")


def builtin_study():
    command("study", "--builtin", "hybrid", "--dry-run")


def query():
    assert "relu" in command("query", "made", "SELECT activation FROM trials")


def report():
    command("report", "made", "--out", "page")


def export_rows():
    command("export", "made", "--csv", "rows.csv", "--parquet", "rows.parquet")


def study_from_python():
    import actscope

    result = actscope.Study(epochs=5, points=200, seeds=2, activation=["relu", "tanh"]).run()
    assert len(result.table()) == 4
    assert len(result.compare().says)


def stored_study():
    import actscope

    assert actscope.study_report("made", "page-2").is_file()


def study_at_a_url():
    from actscope.study import StudyResult

    assert len(StudyResult(f"zip://made::{Path('made.zip').resolve()}").table()) == 4


def trained_claim():
    from actscope.claims._bench import Bench

    bench = Bench(None)
    from actscope.study import Study

    assert len(bench.study(Study(epochs=5, points=200, seeds=2)).table()) == 2


# torch


def inspect():
    command("inspect", "mymodels:net", "--data", "batch.npz", "--format", "html", "--out", "i.html")


def inspect_from_python():
    import actscope

    look = actscope.inspect
    assert len(look(model(), batch()).table) == 1


def watch():
    rows = []
    watched(lambda step, found: rows.extend(found))
    assert rows


def swaps():
    import actscope

    swap = actscope.swap
    swap(model(), {"relu": "silu"})
    assert len(actscope.try_swaps(model(), batch(), ["gelu"]).table) == 2


def inspect_and_try():
    assert "gelu" in command("inspect", "mymodels:net", "--data", "batch.npz", "--try", "gelu")


def to_torch():
    import actscope

    assert actscope.to_torch(trained())


def cost_of_a_model():
    command("cost", "mymodels:net", "--shape", "16x4", "--activations", "gelu", "--rounds", "2")


# probe


def inspect_hugging_face():
    command("inspect", "bert", "--tokens", "32", "--shape", "2x8")


def inspect_safetensors():
    command("inspect", "mymodels:net", "--data", "batch.safetensors")


def watch_to_parquet():
    watched("run.parquet")
    import pandas as pd

    assert len(pd.read_parquet("run.parquet")) == 1


def watch_to_tensorboard():
    watched("tensorboard:events")
    assert list(Path("events").iterdir())


def trainer_watch():
    import actscope

    watch = actscope.TrainerWatch(every=1)
    import torch
    from transformers import Trainer, TrainingArguments

    class Scored(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = model()

        def forward(self, x, labels):
            out = self.net(x)
            return {"loss": torch.nn.functional.cross_entropy(out, labels), "logits": out}

    arguments = TrainingArguments(
        output_dir="trainer", max_steps=2, report_to=[], use_cpu=True, save_strategy="no",
        logging_strategy="no", disable_tqdm=True, dataloader_pin_memory=False,
    )  # fmt: skip
    rows = [{"x": row, "labels": torch.tensor(0)} for row in batch()]
    Trainer(model=Scored(), args=arguments, train_dataset=rows, callbacks=[watch]).train()
    assert len(watch.table) == 2


# lightning, wandb


def lightning_watch():
    import actscope

    watch = actscope.LightningWatch(every=1)
    import torch
    from lightning.pytorch import LightningModule, Trainer

    class Module(LightningModule):
        def __init__(self):
            super().__init__()
            self.net = model()

        def training_step(self, rows, index):
            return self.net(rows).square().mean()

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    trainer = Trainer(
        max_steps=2, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, callbacks=[watch],
    )  # fmt: skip
    trainer.fit(Module(), torch.utils.data.DataLoader(batch(), batch_size=4))
    assert len(watch.table) == 2


def watch_to_wandb():
    from actscope.probe.sinks import sink_of

    with contextlib.suppress(ValueError):  # no run is open
        sink_of("wandb")
    import wandb

    with wandb.init(mode="offline", dir=".", settings=wandb.Settings(silent=True)):
        watched("wandb")


# onnx


def export():
    import actscope

    assert actscope.export(trained(), "trained.onnx").is_file()


def export_a_study():
    command("export", "one.toml", "--onnx", "one.onnx")


def cost():
    command("cost", "--activations", "relu", *QUICK, "--runtimes", "onnx,onnx-int8")


def cost_from_python():
    import actscope

    found = actscope.cost(
        ["relu"], target=0.85, lr=[0.3], init=["gain"], epochs=100, most=8, runtimes=["onnx"],
        batches=[1], rounds=3,
    )  # fmt: skip
    assert len(found.table) == 1


def times_of_elements():
    from actscope.costs.elementwise import elementwise

    libraries = ["NumPy", "ONNX Runtime", "engine"]
    assert len(elementwise(["relu"], elements=[64], libraries=libraries, rounds=2).table)


# search, ray

SMALL = ("--depth", "1", "--width", "4", "--points", "100", "--epochs", "4", "--seeds", "2",
         "--trials", "4", "--finalists", "1", "--final-seeds", "2", "--no-grammar",
         "--activations", "relu,tanh")  # fmt: skip


def search():
    command("search", "moons", *SMALL, "--out", "found")
    command("study", "found/best.toml", "--dry-run")


def search_from_python():
    import actscope

    found = actscope.search(
        "moons", depth=1, width=4, points=100, epochs=4, seeds=2, trials=4, finalists=1,
        final_seeds=2, grammar=False, activations=("relu", "tanh"), sampler="nsga2",
    )  # fmt: skip
    assert found.best


def study_on_ray():
    command("study", "grid.toml", "--executor", "ray", "--workers", "1", "--out", "by-ray")


# app, notebook


def serve():
    """The page and its socket; Ctrl-C."""
    import _thread

    seen = []

    def visit(out):
        try:
            while not (found := re.search(r"http\S+", out.getvalue())):
                time.sleep(0.05)
            url = found[0]
            seen.append(urllib.request.urlopen(url, timeout=20).read())
            from websockets.sync.client import connect

            with connect(url.replace("http", "ws") + "socket", origin=url.rstrip("/")) as ws:
                ws.send(json.dumps({"id": 1, "ask": "hello"}))
                seen.append(ws.recv(timeout=20))
        finally:
            _thread.interrupt_main()

    from actscope.cli import main

    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["actscope", "serve", "--port", "0", "--no-open"]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        threading.Thread(target=visit, args=(out,), daemon=True).start()
        try:
            main()
        except SystemExit as ended:
            if ended.code != 130:
                raise Failed(err.getvalue()) from None
        finally:
            sys.argv = before
    assert b"actscope" in seen[0]
    assert b"playground" in seen[1]


def explore():
    import actscope

    widget = actscope.explore("dead", lr=10)
    data, _ = widget._repr_mimebundle_()
    assert data["image/png"]
    widget.close()


PROMISES = {
    "": [reproduce, reproduce_from_python, list_show_plot, assess, predict, claims, catalogue,
         engine, library],
    "study": [study, builtin_study, query, report, export_rows, study_from_python, stored_study,
              study_at_a_url, trained_claim],
    "torch": [inspect, inspect_from_python, watch, swaps, inspect_and_try, to_torch,
              cost_of_a_model],
    "probe": [inspect_hugging_face, inspect_safetensors, watch_to_parquet, watch_to_tensorboard,
              trainer_watch],
    "lightning": [lightning_watch],
    "wandb": [watch_to_wandb],
    "onnx": [export, export_a_study, cost, cost_from_python, times_of_elements],
    "search": [search, search_from_python],
    "ray": [study_on_ray],
    "app": [serve],
    "notebook": [explore],
}  # fmt: skip


def prepare(folder):
    """Fill a folder with what the promises read; everything is installed where this runs."""
    import shutil

    import numpy as np
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "grid.toml").write_text(GRID, "utf8")
    (folder / "one.toml").write_text(ONE, "utf8")
    (folder / "mymodels.py").write_text(MODEL, "utf8")
    (folder / "bert").mkdir()
    (folder / "bert" / "config.json").write_text(json.dumps(BERT), "utf8")
    rows = np.random.default_rng(0).standard_normal((16, 4)).astype(np.float32)
    np.savez(folder / "batch.npz", x=rows)
    save_file({"x": rows}, folder / "batch.safetensors")
    with contextlib.chdir(folder):
        command("study", "grid.toml", "--out", "made")
        shutil.make_archive("made", "zip", ".", "made")


class Hidden:
    """A finder that does not see some distributions and modules, as if they were not installed.

    What a package carries inside of itself under such a name, as Ray does, is seen.
    """

    def __init__(self, finder, modules, distributions):
        self.finder, self.modules, self.distributions = finder, modules, distributions

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        """What the finder finds."""
        found = self.finder.find_spec(name, path, target)
        if found is None or path is not None or name not in self.modules:
            return found
        places = [*(found.submodule_search_locations or ()), found.origin or ""]
        return None if any(Path(p).parent in PACKAGES for p in places) else found

    def find_distributions(self, *context):
        """What importlib.metadata asks for."""
        found = getattr(self.finder, "find_distributions", lambda *context: ())(*context)
        return (d for d in found if d.name not in self.distributions)


def hide(modules, distributions):
    """Hide what is installed under these names from this process."""
    sys.meta_path[:] = [Hidden(f, set(modules), set(distributions)) for f in sys.meta_path]


def came_of(promise):
    """ "kept", the extra that is asked for, or a traceback."""
    try:
        promise()
    except BaseException as error:
        said = [line for line in str(error).strip().splitlines() if line.strip()]
        found = MISSING.fullmatch(said[0].removeprefix("error: ")) if len(said) == 1 else None
        ours = isinstance(error, Failed) or type(error).__name__ == "MissingExtra"
        return f"needs {found[2]}" if found and ours else traceback.format_exc()
    return "kept"


def main():
    """See the file's docstring."""
    prepared, *extras = sys.argv[1:]
    if hidden := os.environ.get("HIDDEN"):
        hide(**json.loads(hidden))
    sys.path.insert(0, prepared)
    asked = [(e, p) for e in PROMISES for p in PROMISES[e] if (e in extras if extras else e)]
    for extra, promise in asked:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            for path in Path(prepared).iterdir():
                Path(path.name).symlink_to(path)
            there = set(Path().iterdir())
            start = time.perf_counter()
            outcome = came_of(promise)
            left = sorted(p.name for p in set(Path().iterdir()) - there)
            seconds = round(time.perf_counter() - start, 2)
        line = {"extra": extra, "promise": promise.__name__, "outcome": outcome, "left": left}
        print(json.dumps({**line, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
