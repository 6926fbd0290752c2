"""Find a model or a function that is named on the command line."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from actscope.errors import ActscopeError, InputError
from actscope.guests import guest

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
        InputError: there is no such thing, making it fails, or it is not a torch.nn.Module.
    """
    path = Path(text)
    if path.is_dir():
        return _hugging_face(path)
    if path.is_file():
        return _file(path)
    found = named(text, FORMS)
    if not isinstance(found, torch.nn.Module) and callable(found):
        _takes_nothing(found, text)
        try:
            found = found()
        except (Exception, SystemExit) as error:
            raise InputError(
                f"{text!r} raised {said(error)}: correct it, or name another"
            ) from None
    if not isinstance(found, torch.nn.Module):
        raise InputError(f"{text!r} gives a {type(found).__name__}: expected a torch.nn.Module")
    return found


def load_function(text: str) -> Callable[..., Any]:
    """The function that "pkg.module:function" names.

    Raises:
        InputError: there is none.
    """
    found = named(text, "pkg.module:function")
    if not callable(found):
        raise InputError(f"{text!r} is a {type(found).__name__}: expected a function")
    function: Callable[..., Any] = found
    return function


def named(text: str, expected: str = "pkg.module:name") -> Any:
    """What "pkg.module:name" names; the module is imported, from the current folder too."""
    module, colon, name = text.partition(":")
    if not colon or not module or not name:
        near = f"; for a file of code, {Path(text).stem}:factory" if text.endswith(".py") else ""
        raise InputError(
            f"{text!r} is no file, folder or pkg.module:factory: expected {expected}{near}"
        )
    value = _imported(module, text, expected)
    for part in name.split("."):
        try:
            value = getattr(value, part)
        except AttributeError as error:
            raise InputError(
                f"{text!r}: {error}: expected the name of a model or factory"
            ) from None
    return value


def _imported(module: str, text: str, expected: str) -> Any:
    here = os.getcwd()  # noqa: PTH109 - sys.path holds text
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            raise InputError(
                f"{text!r}: no module {error.name!r} here or installed: expected {expected}"
            ) from None
        raise InputError(f"{text!r}: importing it raised {said(error)}: install it") from None
    except (Exception, SystemExit) as error:  # the user's own code
        raise InputError(f"{text!r}: importing it raised {said(error)}: correct it") from None
    finally:
        if added and here in sys.path:
            sys.path.remove(here)


def _takes_nothing(factory: Any, text: str) -> None:
    """Refuse a factory that needs arguments."""
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):  # some built-in classes do not say
        return
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [
        p.name
        for p in parameters
        if p.default is inspect.Parameter.empty and p.kind not in optional
    ]
    if needed:
        raise InputError(
            f"{text!r} needs arguments ({', '.join(needed)}): expected a function without any; "
            "write one that calls it with the values you want"
        )


def said(error: BaseException) -> str:
    """An error as one line: its type, what it says, and where in the user's files it is from."""
    place, trace = "", error.__traceback__
    own = (str(Path(__file__).parents[1]), "site-packages", "<frozen", f"{os.sep}lib{os.sep}python")
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not any(part in name for part in own):
            place = f" ({Path(name).name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        place = f" ({Path(error.filename).name}, line {error.lineno})"
    text = error.msg if isinstance(error, SyntaxError) else first_line(error)
    return f"{type(error).__name__}: {text or 'no message'}{place}"


@contextlib.contextmanager
def running(model: str, data: Any = None) -> Iterator[None]:
    """Turn an error that the model's own forward, or the loss, raises into one of ours.

    An error of any other origin passes.

    Args:
        model: its name, for the message.
        data: what it was called with, for the message.
    """
    try:
        yield
    except ActscopeError:
        raise
    except Exception as error:
        where = _where(error)
        if where is None:
            raise
        what = {"model": f"{model}: its forward", "loss": "the loss"}[where]
        several = where == "model" and isinstance(data, tuple) and len(data) > 1
        hint = "; a tuple is several arguments, labels go to --labels" if several else ""
        raise InputError(
            f"{what} raised {said(error)}, on {_shapes(data)}: expected data that it takes{hint}"
        ) from None


def _where(error: BaseException) -> str | None:
    """Whether an error is from the model's forward, the loss, or neither (None)."""
    trace, where = error.__traceback__, None
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_name == "_call_impl":
            return "model"
        if code.co_name == "loss_of":
            where = "loss"
        trace = trace.tb_next
    return where


def _shapes(data: Any) -> str:
    """The shapes and types of data, as text."""
    if isinstance(data, (torch.Tensor, np.ndarray)):
        kind = str(data.dtype).removeprefix("torch.")
        return f"{kind} of shape {'×'.join(map(str, data.shape)) or 'none'}"
    if isinstance(data, dict):
        return ", ".join(f"{k}: {_shapes(v)}" for k, v in data.items())
    if isinstance(data, (tuple, list)):
        return ", ".join(map(_shapes, data))
    return "the data" if data is None else type(data).__name__


def _file(path: Path) -> Any:
    exported = path.suffix == ".pt2"
    try:
        if exported:
            with _no_pickle():
                return torch.export.load(str(path)).module()
        return torch.jit.load(str(path), map_location="cpu")
    except Exception as error:  # what torch raises for a foreign file has many types
        near = f"; for a file of code give {path.stem}:factory" if path.suffix == ".py" else ""
        what = "no exported program" if exported else "neither TorchScript nor an exported program"
        raise InputError(
            f"{path}: {what} ({first_line(error)}); a file of weights alone holds no model: "
            f"expected {FORMS}{near}"
        ) from None


@contextlib.contextmanager
def _no_pickle() -> Iterator[None]:
    """Let torch read tensors only: an exported program may carry pickles, which can run code."""
    name = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _hugging_face(path: Path) -> Any:
    if not (path / "config.json").is_file():
        raise InputError(f"{path}: no config.json there: expected {FORMS}")
    transformers = guest("transformers", "probe")
    weights = any(path.glob("*.safetensors"))
    if not weights and any(path.glob("*.bin")):
        raise InputError(
            f"{path}: its weights are a pickle (.bin), which can run code and is not read: save "
            "them with model.save_pretrained(folder), as safetensors"
        )
    try:
        config = transformers.AutoConfig.from_pretrained(
            path, local_files_only=True, trust_remote_code=False
        )
        kind = _architecture(transformers, config)
        if weights:
            return kind.from_pretrained(
                path, config=config, local_files_only=True, use_safetensors=True
            )
        if kind is transformers.AutoModel:
            return kind.from_config(config, trust_remote_code=False)
        return kind(config)
    except Exception as error:  # a file that is cut off, a model that is unknown, …
        raise InputError(
            f"{path}: no Hugging Face model could be made from it ({first_line(error)}); expected "
            "a config.json of a model that transformers has, with all of its weights or none"
        ) from None


def _architecture(transformers: Any, config: Any) -> Any:
    """The class that the config names, with its head; AutoModel where it names none."""
    for name in config.architectures or ():
        found = getattr(transformers, name, None)
        if isinstance(found, type) and issubclass(found, transformers.PreTrainedModel):
            return found
    return transformers.AutoModel


def first_line(error: BaseException) -> str:
    """What an error says, its first line."""
    return str(error).strip().partition("\n")[0][:160]
