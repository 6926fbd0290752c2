"""From emitted code to machine code, and from the on-disk cache back.

Everything that a compiled function depends on is in its key: the text of the emitted code, the
CPU and its features, and the versions of LLVM's wrapper and of this file's format. So a changed
formula, kernel or machine finds no stale entry, and nothing has to be invalidated. An entry is
one file, written beside its final name and renamed, so two processes that compile at once each
leave a whole file; a folder that cannot be written is only a slower start.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm

FORMAT = "actscope-engine-1"
_MAGIC = b"actscope object 1\n"


@functools.cache
def host() -> tuple[str, str]:
    """The CPU's name and its features, as LLVM writes them."""
    features = llvm.get_host_cpu_features()
    # some Intel targets prefer half of their vectors' width; the kernels do better with all of it
    features.pop("prefer-256-bit", None)
    return llvm.get_host_cpu_name(), features.flatten()


@functools.cache
def has_vectors_of(bits: int) -> bool:
    """Whether the CPU has AVX-512's instructions for vectors of so many bits."""
    features = host()[1].split(",")
    return "+avx512f" in features and (bits == 512 or "+avx512vl" in features)


@functools.cache
def _machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    cpu, features = host()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=cpu, features=features, opt=3, reloc="pic", codemodel="small", jit=True
    )


def cache_folder() -> Path:
    """Where compiled kernels are kept: $ACTSCOPE_CACHE, else the user's cache folder.

    Example:
        >>> cache_folder().is_absolute()
        True
    """
    chosen = os.environ.get("ACTSCOPE_CACHE")
    if chosen:
        return Path(chosen).absolute()
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base.absolute() / "actscope" / "kernels"


def key_of(text: str) -> str:
    """The name under which the machine code of this text is kept."""
    parts = (FORMAT, llvmlite.__version__, str(llvm.llvm_version_info), *host(), text)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def machine_code(text: str) -> bytes:
    """The object file for emitted code, from the cache or compiled now."""
    path = cache_folder() / f"{key_of(text)}.o"
    kept = _read(path)
    if kept is not None:
        return kept
    made = _compile(text)
    _write(path, made)
    return made


def optimised(text: str) -> Any:
    """The LLVM module after optimisation."""
    module = llvm.parse_assembly(text)
    module.triple = llvm.get_process_triple()
    module.data_layout = str(_machine().target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    # the code is written in vectors already, and its loops are unrolled where it pays
    options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = False
    builder = llvm.create_pass_builder(_machine(), options)
    builder.getModulePassManager().run(module, builder)
    return module


def assembly(text: str) -> str:
    """The machine code in words, to look at."""
    return str(_machine().emit_assembly(optimised(text)))


def _compile(text: str) -> bytes:
    return bytes(_machine().emit_object(optimised(text)))


def _read(path: Path) -> bytes | None:
    """An entry's object file, or None if there is none, or if it is damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    head = len(_MAGIC) + 32
    body = content[head:]
    whole = (
        content.startswith(_MAGIC) and hashlib.sha256(body).digest() == content[head - 32 : head]
    )
    return body if whole else None


def _write(path: Path, body: bytes) -> None:
    """Write an entry whole or not at all; a folder that refuses costs time and nothing else."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_MAGIC + hashlib.sha256(body).digest() + body)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)


class Library:
    """Compiled functions, ready to be called; calls release Python's lock.

    Args:
        text: emitted code.
    """

    def __init__(self, text: str) -> None:
        # llvmlite's own memory manager lays all sections side by side: the small code model reaches
        # 2 GB, and in a process with large maps (a Ray worker) LLVM's puts them further apart. But
        # only LLVM's leaves room for calls to other libraries, and without fma in the CPU the C
        # library's is called.
        alone = "-fma" not in host()[1].split(",")
        self._engine = llvm.create_mcjit_compiler(
            llvm.parse_assembly(""), _own_machine(), use_lmm=alone
        )
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(machine_code(text)))
        self._engine.finalize_object()

    def function(self, name: str, *arguments: Any, result: Any = None) -> Any:
        """The exported function `name`; `arguments` and `result` are ctypes types."""
        address = self._engine.get_function_address(name)
        return ctypes.CFUNCTYPE(result, *arguments)(address)


def _own_machine() -> Any:
    """A target machine of its own: an execution engine takes possession of the one it is given."""
    _machine()
    cpu, features = host()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=cpu, features=features, opt=3, reloc="pic", codemodel="small", jit=True
    )
