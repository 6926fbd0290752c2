"""The cache of compiled code: shared, damaged, read-only, and from another CPU."""

import os
import subprocess
import sys
from ctypes import c_int64, c_void_p

import numpy as np
import pytest

from actscope.engine import compile as machine
from actscope.engine.emit import Code
from actscope.engine.lanes import LaneType


def doubling(factor=2.0):
    """The text of a program that multiplies n vectors by `factor`."""
    lanes, code = LaneType("float64", 4), Code("doubling")
    with code.function("run", "pi") as (p, n):
        p = p.to(lanes)
        with code.loop(n) as i:
            p[i] = p[i] * factor
    return str(code)


def works(text, factor=2.0):
    from actscope.engine.workspace import aligned

    x = aligned((2, 4), np.dtype("float64"))
    x[...] = np.arange(8).reshape(2, 4)
    library = machine.Library(text)
    library.function("run", c_void_p, c_int64)(x.ctypes.data, 2)
    np.testing.assert_array_equal(x.ravel(), factor * np.arange(8))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ACTSCOPE_CACHE", str(tmp_path / "kernels"))
    return tmp_path / "kernels"


@pytest.fixture
def compiled(monkeypatch):
    """The texts that were compiled, and not read."""
    texts, compile_ = [], machine._compile
    monkeypatch.setattr(machine, "_compile", lambda text: texts.append(text) or compile_(text))
    return texts


def test_a_program_is_compiled_once(folder, compiled):
    works(doubling())
    works(doubling())
    assert len(compiled) == 1
    assert len(list(folder.iterdir())) == 1
    works(doubling(3.0), 3.0)
    assert len(compiled) == 2


def test_another_cpu_or_version_finds_nothing_of_ours(folder, compiled, monkeypatch):
    works(doubling())
    name, features = machine.host()
    monkeypatch.setattr(machine, "host", lambda: ("older " + name, features))
    assert machine._read(folder / f"{machine.key_of(doubling())}.o") is None
    monkeypatch.setattr(machine, "host", lambda: (name, features.replace("+", "-", 1)))
    assert machine._read(folder / f"{machine.key_of(doubling())}.o") is None
    monkeypatch.setattr(machine, "host", lambda: (name, features))
    assert machine._read(folder / f"{machine.key_of(doubling())}.o") is not None
    monkeypatch.setattr(machine.llvmlite, "__version__", "0.0")
    assert machine._read(folder / f"{machine.key_of(doubling())}.o") is None


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "foreign"])
def test_a_damaged_entry_is_compiled_anew(damage, folder, compiled):
    works(doubling())
    (entry,) = folder.iterdir()
    content = entry.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    entry.write_bytes(
        {"cut": content[:-9], "changed": flipped, "empty": b"", "foreign": b"x" * 999}[damage]
    )
    works(doubling())
    assert len(compiled) == 2
    assert entry.read_bytes() == content


def test_a_folder_that_refuses_costs_only_time(tmp_path, compiled, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("a file where the folder would be")
    monkeypatch.setenv("ACTSCOPE_CACHE", str(blocked / "kernels"))
    works(doubling())
    works(doubling())
    assert len(compiled) == 2


def test_a_read_only_folder_is_read(folder, compiled, monkeypatch):
    works(doubling())

    def refuse(*args, **kwargs):
        raise PermissionError("read-only")

    monkeypatch.setattr(machine.tempfile, "mkstemp", refuse)
    works(doubling())
    works(doubling(3.0), 3.0)
    assert len(compiled) == 2
    assert len(list(folder.iterdir())) == 1


TRAIN = """
import time
import numpy as np
from actscope.engine.api import train
from actscope.engine.spec import Net, Training
rng = np.random.default_rng(0)
x, y = rng.normal(size=(40, 2)), rng.integers(0, 2, 40)
began = time.process_time()
result = train(Net(2, (5, 3), activations="gelu"), (x, y), Training(epochs=3), seeds=range(20))
print(result.loss.astype(np.float64).sum().hex(), time.process_time() - began)
"""


def start(folder):
    env = {**os.environ, "ACTSCOPE_CACHE": str(folder)}
    return subprocess.Popen(
        [sys.executable, "-c", TRAIN], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def finish(process):
    """What it printed: the sum of its losses, and the CPU seconds that training took."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()
    total, seconds = out.split()
    return total, float(seconds)


def test_two_processes_that_compile_at_once_and_a_third_that_finds_it_done(folder):
    first, second = (finish(p) for p in [start(folder), start(folder)])
    assert not list(folder.glob("*.part"))
    kept = {p.name: p.read_bytes() for p in folder.iterdir()}
    third = finish(start(folder))
    assert first[0] == second[0] == third[0]
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == kept
    assert max(first[1], second[1]) < 15.0  # CPU time, so that a busy machine does not count
    assert third[1] < 1.0
