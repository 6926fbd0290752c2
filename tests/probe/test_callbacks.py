"""The callbacks in real trainers: their rows are those of a loop written by hand."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import actscope
from actscope.errors import InputError, OutputError

COLUMNS = ["mean", "std", "zeros", "dead", "gradient", "gradient_ratio", "update", "second"]


def net() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 3)
    )


def rows() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(1)
    return torch.randn(40, 6, generator=rng), torch.randint(0, 3, (40,), generator=rng)


def by_hand(model: nn.Module, every: int, steps: int, per_step: int = 1) -> pd.DataFrame:
    """The rows of the same training, written out: batches of 10 in order, SGD."""
    x, y = rows()
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    step = 0
    with actscope.watch(model, every=every, clock=lambda: step) as w:
        for step in range(steps):
            optimiser.zero_grad()
            for part in range(per_step):
                i = (step * per_step + part) % 4
                loss = F.cross_entropy(model(x[10 * i : 10 * i + 10]), y[10 * i : 10 * i + 10])
                (loss / per_step).backward()
            optimiser.step()
    return w.table


def same(found: pd.DataFrame, wanted: pd.DataFrame, prefix: str = "") -> None:
    assert found["step"].tolist() == wanted["step"].tolist()
    assert found["site"].tolist() == [f"{prefix}{site}" for site in wanted["site"]]
    got, want = (t[COLUMNS].to_numpy(dtype=float) for t in (found, wanted))
    np.testing.assert_allclose(got, want, rtol=2e-5, atol=1e-7)


def lightning_module(model: nn.Module, whole: bool):
    from lightning.pytorch import LightningModule

    class Module(LightningModule):
        """Calls itself (whole), or what it holds."""

        def __init__(self) -> None:
            super().__init__()
            self.net = model

        def forward(self, x):
            return self.net(x)

        def training_step(self, batch, index):
            x, y = batch
            return F.cross_entropy(self(x) if whole else self.net(x), y)

        def validation_step(self, batch, index):
            self(batch[0])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    return Module()


def fit(tmp_path: Path, module, callback, accumulate: int = 1) -> None:
    from lightning.pytorch import Trainer

    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*rows()), batch_size=10)
    trainer = Trainer(
        max_epochs=2, accelerator="cpu", devices=1, logger=False, callbacks=[callback],
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        default_root_dir=tmp_path, accumulate_grad_batches=accumulate, num_sanity_val_steps=1,
    )  # fmt: skip
    trainer.fit(module, data, data)


@pytest.fixture(scope="module", autouse=True)
def _imported():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what third packages say when they are imported
        pytest.importorskip("lightning.pytorch")
        pytest.importorskip("transformers")
        pytest.importorskip("accelerate")


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.filterwarnings("ignore:.*does not have many workers.*")
@pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning")
def test_lightning(tmp_path: Path, whole: bool) -> None:
    model = net()
    twin = copy.deepcopy(model)
    watch = actscope.LightningWatch(every=3, to=str(tmp_path / "run.parquet"))
    module = lightning_module(model, whole)
    fit(tmp_path, module, watch)
    same(watch.table, by_hand(twin, 3, 8), "net.")
    assert watch.table["weight"].unique().tolist() == ["net.0.weight", "net.2.weight"]
    same(pd.read_parquet(tmp_path / "run.parquet"), watch.table)
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(p, q)
    for part in module.modules():
        assert not part._forward_hooks
        assert not part._forward_pre_hooks


@pytest.mark.filterwarnings("ignore:.*does not have many workers.*")
@pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning")
def test_lightning_loggers_parts_and_errors(tmp_path: Path) -> None:
    seen = []

    class Trainer:
        is_global_zero, global_step = True, 0
        loggers = (type("L", (), {"log_metrics": lambda self, d, step: seen.append((step, d))})(),)

    module = lightning_module(net(), True)
    watch = actscope.LightningWatch(every=1, to=["logger"], at="net")
    watch.on_train_start(Trainer, module)
    F.cross_entropy(module(rows()[0]), rows()[1]).backward()
    watch.on_train_end(Trainer, module)
    assert seen[0][0] == 0
    assert seen[0][1]["net.1/mean"] == pytest.approx(watch.table["mean"][0])
    with pytest.raises(InputError, match="has no such part: expected a path, such as net"):
        actscope.LightningWatch(at="nett").on_train_start(Trainer, module)

    class Broken(type(module)):
        def training_step(self, batch, index):
            super().training_step(batch, index)
            raise RuntimeError("the user's own")

    broken = Broken()
    with pytest.raises(RuntimeError, match="own"):
        fit(tmp_path, broken, actscope.LightningWatch(every=1))
    assert not any(part._forward_hooks for part in broken.modules())


@pytest.mark.filterwarnings("ignore:.*does not have many workers.*")
@pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning")
def test_lightning_interrupted_and_fitted_again(tmp_path: Path) -> None:
    path = tmp_path / "run.parquet"
    watch = actscope.LightningWatch(every=2, to=str(path))

    class Interrupted(type(lightning_module(net(), True))):
        def training_step(self, batch, index):
            if self.global_step == 5:
                raise KeyboardInterrupt
            return super().training_step(batch, index)

    module = Interrupted()
    with pytest.raises(SystemExit):
        fit(tmp_path, module, watch)
    assert not any(part._forward_hooks for part in module.modules())
    assert pd.read_parquet(path)["step"].unique().tolist() == [0, 2, 4]
    fit(tmp_path, lightning_module(net(), True), watch)
    assert watch.table["step"].tolist()[::2] == [0, 2, 4, 0, 2, 4, 6]
    same(pd.read_parquet(path), watch.table)


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = net()

    def forward(self, x, labels=None):
        logits = self.net(x)
        return {"loss": F.cross_entropy(logits, labels), "logits": logits}


class Rows(torch.utils.data.Dataset):
    def __len__(self) -> int:
        return 40

    def __getitem__(self, i):
        x, y = rows()
        return {"x": x[i], "labels": y[i]}


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.filterwarnings("ignore:.*pin_memory.*")
def test_hugging_face(tmp_path: Path, accumulate: int) -> None:
    from transformers import Trainer, TrainingArguments

    model = Classifier()
    twin = copy.deepcopy(model.net)
    watch = actscope.TrainerWatch(every=3, to=str(tmp_path / "run.parquet"))

    class InOrder(Trainer):
        def _get_train_sampler(self, *_):
            return torch.utils.data.SequentialSampler(self.train_dataset)

    arguments = TrainingArguments(
        output_dir=str(tmp_path), max_steps=8 // accumulate, per_device_train_batch_size=10,
        gradient_accumulation_steps=accumulate, learning_rate=0.1, lr_scheduler_type="constant",
        optim="sgd", max_grad_norm=0.0, weight_decay=0.0, report_to=[], use_cpu=True,
        save_strategy="no", logging_strategy="no", disable_tqdm=True, seed=0,
    )  # fmt: skip
    trainer = InOrder(
        model=model, args=arguments, train_dataset=Rows(), callbacks=[watch],
        optimizers=(torch.optim.SGD(model.parameters(), 0.1), None),
    )  # fmt: skip
    trainer.train()
    wanted = by_hand(twin, 3, 8 // accumulate, accumulate)
    same(watch.table, wanted, "net.")
    same(pd.read_parquet(tmp_path / "run.parquet"), watch.table)
    for p, q in zip(model.net.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(p, q)
    assert not any(part._forward_hooks for part in model.modules())
    with pytest.raises(InputError, match="at least 1"):
        actscope.TrainerWatch(every=0)


class Stop(Exception):
    """The user's own."""


@pytest.mark.filterwarnings("ignore:.*pin_memory.*")
def test_hugging_face_resumed(tmp_path: Path) -> None:
    """The file holds what it would without the break; evaluations in between are not counted."""
    from transformers import Trainer, TrainerCallback, TrainingArguments

    class Stops(TrainerCallback):
        def on_step_end(self, args, state, control, **given):
            if state.global_step == 8:
                raise Stop

    def trainer(name: str, *callbacks: TrainerCallback) -> Any:
        arguments = TrainingArguments(
            output_dir=str(tmp_path / name), num_train_epochs=3, per_device_train_batch_size=10,
            learning_rate=0.1, report_to=[], use_cpu=True, eval_strategy="steps", eval_steps=2,
            save_strategy="steps", save_steps=5, logging_strategy="no", disable_tqdm=True, seed=0,
        )  # fmt: skip
        model = Classifier()
        return Trainer(
            model=model, args=arguments, train_dataset=Rows(), eval_dataset=Rows(),
            callbacks=[*callbacks, actscope.TrainerWatch(3, str(tmp_path / f"{name}.parquet"))],
            optimizers=(torch.optim.SGD(model.parameters(), 0.1), None),
        )  # fmt: skip

    trainer("whole").train()
    broken = trainer("broken", Stops())
    with pytest.raises(Stop):
        broken.train()
    broken.pop_callback(actscope.TrainerWatch).stop()
    assert not any(part._forward_hooks for part in broken.model.modules())
    assert pd.read_parquet(tmp_path / "broken.parquet")["step"].unique().tolist() == [0, 3, 6]
    trainer("broken").train(resume_from_checkpoint=True)  # at 5
    whole, broken = (pd.read_parquet(tmp_path / f"{n}.parquet") for n in ("whole", "broken"))
    assert whole["step"].tolist()[::2] == [0, 3, 6, 9]
    same(broken, whole)
    (tmp_path / "broken.parquet").write_text("no Parquet")
    with pytest.raises(OutputError, match="the training is resumed, and this holds no rows"):
        trainer("broken").train(resume_from_checkpoint=True)


@pytest.mark.filterwarnings("ignore:.*pin_memory.*")
def test_hugging_face_trained_twice(tmp_path: Path) -> None:
    from transformers import Trainer, TrainingArguments

    path = tmp_path / "run.parquet"
    watch = actscope.TrainerWatch(every=2, to=str(path))
    arguments = TrainingArguments(
        output_dir=str(tmp_path), num_train_epochs=1, per_device_train_batch_size=10, report_to=[],
        use_cpu=True, save_strategy="no", logging_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    trainer = Trainer(model=Classifier(), args=arguments, train_dataset=Rows(), callbacks=[watch])
    trainer.train()
    trainer.train()
    assert watch.table["step"].tolist()[::2] == [0, 2, 0, 2]
    same(pd.read_parquet(path), watch.table)
