"""The wheel in bare environments: each extra alone, in every Python that is there; a table.

    make packaging                                  in python3.11, python3.12, python3.13 on PATH
    make packaging PYTHONS="/opt/python3.13/bin/python3"

For each Python and extra: a new environment, the wheel with that extra and the versions of
constraints.txt, then what promises.py holds for it; without extras also that everything else says
what it needs. PyTorch is only installed where its CPU build is to be had. About a minute for each
environment, and 2 GB at a time. Exit code 1 if a promise was not kept.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import promises

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / "constraints.txt"
PYTHONS = ("python3.11", "python3.12", "python3.13")
WITH_TORCH = ("torch", "probe", "lightning", "wandb")


def run(*words, **how):
    """What a program printed.

    Raises:
        RuntimeError: it failed; what it said.
    """
    how = {"capture_output": True, "text": True, "check": False, **how}
    done = subprocess.run([str(word) for word in words], **how)
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip()[-2000:])
    return done.stdout


def pythons(given):
    """Those that are given, or those on PATH that start."""
    for name in given or PYTHONS:
        path = shutil.which(name)
        works = path and not subprocess.run([path, "-c", ""], capture_output=True).returncode
        if works:
            yield path
        else:
            print(f"{name}: not there", flush=True)


def torch_of(pip):
    """The requirement of the CPU build of PyTorch; None where only another build is to be had."""
    wanted = re.search(r"^torch==\S+", CONSTRAINTS.read_text("utf8"), re.M)[0]
    options = ("--dry-run", "--quiet", "--no-deps", "--report", "-")
    try:
        [found] = json.loads(run(*pip, *options, wanted))["install"]
    except RuntimeError:
        return None
    is_cpu = "+cpu" in found["metadata"]["version"] or not sys.platform.startswith("linux")
    return wanted if is_cpu else None


def tried(python, extra, wheel, prepared, folder):
    """(promises kept, promises, seconds of installing, what went wrong) of one environment."""
    run(python, "-m", "venv", folder / "env")
    own = folder / "env" / "bin" / "python"
    pip = (own, "-m", "pip", "install", "--disable-pip-version-check", "--no-compile")
    began = time.monotonic()
    if extra in WITH_TORCH:
        torch = torch_of(pip)
        if torch is None:
            return None
        run(*pip, "--quiet", torch)
    wanted = f"{wheel}[{extra}]" if extra else wheel
    run(*pip, "--quiet", "--constraint", CONSTRAINTS, wanted)
    seconds = time.monotonic() - began
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"HOME": str(folder)}
    lines = outcomes(run(own, promises.__file__, prepared, extra, env=env, cwd=folder))
    wrong = [f"{line['promise']}: {line['outcome']}" for line in lines if line["outcome"] != "kept"]
    if not extra:
        others = outcomes(run(own, promises.__file__, prepared, env=env, cwd=folder))
        wrong += [
            f"{line['promise']}, without its extra: {line['outcome']}, left {line['left']}"
            for line in others
            if not line["outcome"].startswith("needs ") or line["left"]
        ]
        lines += others
        run(folder / "env" / "bin" / "actscope", "--version", env=env)
    return len(lines) - len(wrong), len(lines), seconds, wrong


def outcomes(printed):
    """The lines of promises.py."""
    return [json.loads(line) for line in printed.splitlines() if line.startswith('{"extra"')]


def main():
    """See the file's docstring."""
    failed = False
    with tempfile.TemporaryDirectory(prefix="actscope-bare-") as place:
        prepared = Path(place) / "files"
        promises.prepare(prepared)
        options = ("--quiet", "--no-deps", "--wheel-dir", place)
        run(sys.executable, "-m", "pip", "wheel", *options, ROOT)
        [wheel] = Path(place).glob("*.whl")
        print(f"{wheel.name}: {wheel.stat().st_size:,} bytes\n")
        print(f"{'python':30} {'extra':10} {'install':>8}  promises")
        for python in pythons(sys.argv[1:]):
            for extra in promises.PROMISES:
                folder = Path(place) / "here"
                folder.mkdir()
                try:
                    found = tried(python, extra, wheel, prepared, folder)
                except RuntimeError as error:
                    found = (0, 1, float("nan"), [str(error)])
                shutil.rmtree(folder)
                name = f"{Path(python).name:30} {extra or '–':10}"
                if found is None:
                    print(f"{name} not tried: no CPU build of PyTorch for it", flush=True)
                    continue
                kept, count, seconds, wrong = found
                print(f"{name} {seconds:6.0f} s  {kept} of {count}", *wrong, sep="\n  ", flush=True)
                failed |= bool(wrong)
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
