"""The interleaved timer: order of calls, shapes, and that slower is slower."""

import time

from actscope.maths.timing import interleaved, own_time


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


def test_own_time_does_not_count_waiting():
    calls = {"wait": lambda: time.sleep(0.02), "work": lambda: sum(range(200_000))}
    taken = interleaved(calls, rounds=3, least=0.0, clock=own_time)
    assert (taken["wait"] < 0.01).all()
    assert (taken["work"] > 0.0).all()
