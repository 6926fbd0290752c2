"""What people put around a model: torch.compile, DataParallel, DistributedDataParallel, scripts."""

from __future__ import annotations

from typing import Any

import torch


class Holder(torch.nn.Module):  # type: ignore[misc]
    """A plain module around a scripted one, which takes no hooks."""

    def __init__(self, scripted: Any) -> None:
        super().__init__()
        self.scripted = scripted

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        return self.scripted(*args, **kwargs)


def unwrap(model: Any) -> Any:
    """The model inside torch.compile, DataParallel and DistributedDataParallel.

    A scripted model, which takes no hooks, comes back in a plain module that calls it.
    """
    while True:
        if isinstance(model, torch.jit.ScriptModule):
            return Holder(model)
        if hasattr(model, "_orig_mod"):
            model = model._orig_mod
        elif isinstance(model, (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)):
            model = model.module
        else:
            return model


def group_of(model: Any) -> Any:
    """The processes that a model runs in, under DistributedDataParallel; None for one process."""
    while True:
        if isinstance(model, torch.nn.parallel.DistributedDataParallel):
            return model.process_group if torch.distributed.is_initialized() else None
        if hasattr(model, "_orig_mod"):
            model = model._orig_mod
        else:
            return None


def is_sharded(model: Any) -> bool:
    """Whether FSDP keeps a piece of the weights in each process."""
    if not torch.distributed.is_available():
        return False
    from torch.distributed import fsdp

    kinds = (fsdp.FullyShardedDataParallel, getattr(fsdp, "FSDPModule", ()))
    return any(isinstance(module, kinds) for module in model.modules())


def entry_of(model: Any) -> Any:
    """The wrapper whose calls begin a forward pass, of a compiled model; None for any other.

    The module inside may have been compiled without hooks, and would not call new ones.
    """
    inner = model
    while True:
        if hasattr(inner, "_orig_mod"):
            return inner
        if isinstance(inner, (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)):
            inner = inner.module
        else:
            return None
