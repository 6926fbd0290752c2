"""Read a batch and labels that are named on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from actscope.errors import InputError, MissingExtra
from actscope.guests import guest
from actscope.probe.load import first_line

MOST = 2.5e8  # random numbers: 1 GB


def load_data(text: str, shape: str = "", tokens: int = 0, seed: int = 0) -> tuple[Any, Any]:
    """A batch, and its labels if the file holds some.

    Args:
        text: a .npz, .npy, .pt or .safetensors file, or "random". Several arrays in a file are
            keyword arguments by name, one is the argument; "labels" (or "y") are labels.
        shape: of random data, "32x3x64x64".
        tokens: random whole numbers below this instead of normal numbers.
        seed: of the random data.

    Raises:
        InputError: the file cannot be read, or random data have no shape.
    """
    if text == "random":
        return _random(shape, tokens, seed), None
    path = Path(text)
    if not path.is_file():
        raise InputError(
            f"data {text!r}: no such file: expected .npz, .npy, .pt, .safetensors or random"
        )
    reader = _READERS.get(path.suffix)
    if reader is None:
        raise InputError(f"{path}: expected one of {', '.join(_READERS)}")
    try:
        held = reader(path)
    except MissingExtra:
        raise
    except Exception as error:  # each format has errors of its own
        why = first_line(error) or type(error).__name__
        if "weights_only" in str(error) or "allow_pickle" in str(error):
            why = (
                "it holds pickled Python objects, which can run code: save tensors or arrays alone"
            )
        raise InputError(f"{path}: cannot be read as {path.suffix} ({why})") from None
    return _split(held, path)


def _split(held: Any, path: Path) -> tuple[Any, Any]:
    """A file's arrays as input and labels."""
    if not isinstance(held, dict):
        many = isinstance(held, (list, tuple))
        found = tuple(_tensor(v, path, f"item {i}") for i, v in enumerate(held)) if many else None
        if many and not found:
            raise InputError(f"{path}: empty: expected at least one array")
        return (found if many else _tensor(held, path, "it")), None
    held = {str(k): _tensor(v, path, f"{k!r}") for k, v in held.items()}
    labels = held.pop("labels", None)
    labels = held.pop("y", None) if labels is None else labels
    if not held:
        raise InputError(f"{path}: no array but labels: expected the model's input too")
    if len(held) == 1:
        return next(iter(held.values())), labels
    return held, labels


def _tensor(value: Any, path: Path, name: str) -> Any:
    try:
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError):
        kind = value.dtype if isinstance(value, np.ndarray) else type(value).__name__
        raise InputError(f"{path}: {name} is {kind}: expected numbers") from None


def _random(shape: str, tokens: int, seed: int) -> Any:
    try:
        sizes = [int(part) for part in shape.lower().replace("×", "x").split("x")]
    except ValueError:
        raise InputError(
            f"shape {shape!r}: random data need --shape, whole numbers with x between: 32x3x64x64"
        ) from None
    if min(sizes) < 1 or np.prod([float(s) for s in sizes]) > MOST:
        raise InputError(
            f"shape {shape!r}: expected sizes of at least 1, and {MOST:.0e} numbers at most"
        )
    rng = torch.Generator().manual_seed(seed)
    if tokens:
        return torch.randint(0, tokens, sizes, generator=rng)
    return torch.randn(sizes, generator=rng)


def _npz(path: Path) -> Any:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _safetensors(path: Path) -> Any:
    return guest("safetensors.torch", "probe").load_file(path)


_READERS: dict[str, Callable[[Path], Any]] = {
    ".npz": _npz,
    ".npy": lambda path: np.load(path, allow_pickle=False),
    ".pt": lambda path: torch.load(path, map_location="cpu", weights_only=True),
    ".safetensors": _safetensors,
}


def load_labels(text: str) -> Any:
    """Labels from a .npy or .pt file, or from the only array of a .npz.

    Raises:
        InputError: the file cannot be read, or holds several arrays.
    """
    data, labels = load_data(text)
    found = labels if labels is not None else data
    if isinstance(found, (dict, tuple)):
        raise InputError(f"{text}: several arrays: expected labels alone, or one named labels")
    return found
