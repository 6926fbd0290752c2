"""The interleaved timer: order of calls, shapes, and that slower is slower."""

import time

from actscope.maths.timing import interleaved


def test_the_slower_function_takes_longer_in_every_round():
    taken = interleaved(
        {"short": lambda: time.sleep(0.001), "long": lambda: time.sleep(0.01)}, rounds=3
    )
    assert (taken["long"] > taken["short"]).all()


def test_calls_are_interleaved():
    seen = []
    interleaved({"a": lambda: seen.append("a"), "b": lambda: seen.append("b")}, rounds=4, least=0.0)
    counted = "".join(seen)[-8:]
    assert counted == "abababab"
