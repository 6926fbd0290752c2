"""Find a model and data that are named on the command line."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from actscope.errors import InputError, MissingExtra

FORMS = (
    "pkg.module:factory, a TorchScript file, an exported program (.pt2) or a Hugging Face folder"
)


def load_model(text: str) -> Any:
    """The model that a text names.

    Args:
        text: "pkg.module:name" (a module, or a function without arguments that makes one; looked
            up from the current folder too; the file is run, as any import runs it), a TorchScript
            file, an exported program (.pt2), or a folder with a Hugging Face config.json (with
            weights in safetensors beside it, or drawn anew).

    Raises:
        InputError: there is no such thing, or it is not a torch.nn.Module.
    """
    path = Path(text)
    if path.is_dir():
        return _hugging_face(path)
    if path.is_file():
        return _file(path)
    module, colon, name = text.partition(":")
    if not colon or not module or not name:
        raise InputError(f"{text!r} is no file, folder or pkg.module:factory: expected {FORMS}")
    found = _attribute(module, name, text)
    if isinstance(found, torch.nn.Module):
        return found
    if callable(found):
        found = found()
    if not isinstance(found, torch.nn.Module):
        raise InputError(f"{text!r} gives a {type(found).__name__}: expected a torch.nn.Module")
    return found


def _attribute(module: str, name: str, text: str) -> Any:
    here = os.getcwd()  # noqa: PTH109 - sys.path holds text
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        value = importlib.import_module(module)
        for part in name.split("."):
            value = getattr(value, part)
        return value
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise  # the user's module is there; something that it imports is not
        raise InputError(
            f"{text!r}: no module {error.name!r} here or installed: expected {FORMS}"
        ) from None
    except AttributeError as error:
        raise InputError(f"{text!r}: {error}: expected the name of a model or factory") from None
    finally:
        if added and here in sys.path:
            sys.path.remove(here)


def _file(path: Path) -> Any:
    try:
        if path.suffix == ".pt2":
            return torch.export.load(str(path)).module()
        return torch.jit.load(str(path), map_location="cpu")
    except Exception as error:  # what torch raises for a foreign file has many types
        raise InputError(
            f"{path}: neither TorchScript nor an exported program ({_first(error)}); a file of "
            "weights alone holds no model: give pkg.module:factory"
        ) from None


def _hugging_face(path: Path) -> Any:
    if not (path / "config.json").is_file():
        raise InputError(f"{path}: no config.json there: expected {FORMS}")
    try:
        transformers: Any = importlib.import_module("transformers")
    except ImportError:
        raise MissingExtra("transformers", "probe") from None
    if any(path.glob("*.safetensors")):
        return transformers.AutoModel.from_pretrained(
            path, local_files_only=True, use_safetensors=True
        )
    config = transformers.AutoConfig.from_pretrained(path, local_files_only=True)
    return transformers.AutoModel.from_config(config)


def _first(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:120]


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
        raise InputError(f"{path}: cannot be read as {path.suffix} ({_first(error)})") from None
    return _split(held)


def _split(held: Any) -> tuple[Any, Any]:
    """A file's arrays as input and labels."""
    if not isinstance(held, dict):
        return (tuple(held) if isinstance(held, list) else held), None
    held = {k: torch.as_tensor(v) for k, v in held.items()}
    labels = held.pop("labels", held.pop("y", None))
    if len(held) == 1:
        return next(iter(held.values())), labels
    return held, labels


def _random(shape: str, tokens: int, seed: int) -> Any:
    try:
        sizes = [int(part) for part in shape.lower().replace("×", "x").split("x")]
    except ValueError:
        raise InputError(
            f"shape {shape!r}: random data need --shape, whole numbers with x between: 32x3x64x64"
        ) from None
    if min(sizes) < 1 or np.prod([float(s) for s in sizes]) > 1e9:
        raise InputError(f"shape {shape!r}: expected sizes of at least 1, 1e9 numbers at most")
    rng = torch.Generator().manual_seed(seed)
    if tokens:
        return torch.randint(0, tokens, sizes, generator=rng)
    return torch.randn(sizes, generator=rng)


def _npz(path: Path) -> Any:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _safetensors(path: Path) -> Any:
    try:
        safetensors: Any = importlib.import_module("safetensors.torch")
    except ImportError:
        raise MissingExtra("safetensors", "probe") from None
    return safetensors.load_file(path)


_READERS: dict[str, Callable[[Path], Any]] = {
    ".npz": _npz,
    ".npy": lambda path: torch.as_tensor(np.load(path, allow_pickle=False)),
    ".pt": lambda path: torch.load(path, weights_only=True),
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
    return torch.as_tensor(found)
