"""The local executor keeps what every executor promises; and the exam can be failed."""

import dataclasses

import pytest

from actscope.study.executors import SHELF, Executor
from actscope.study.executors import local as threads
from actscope.testing import ExecutorPromises


class TestLocal(ExecutorPromises):
    executor = "local"


def hoarding(task, items, workers=None, address=None):
    return iter([(i, task(i)) for i in list(items)])


def losing(task, items, workers=None, address=None):
    for i, pair in enumerate(threads.run(task, items, workers)):
        if i != 1:
            yield pair


def doubling(task, items, workers=None, address=None):
    for pair in threads.run(task, items, workers):
        yield pair
        yield pair


def swallowing(task, items, workers=None, address=None):
    for item in items:
        try:
            yield item, task(item)
        except ZeroDivisionError:
            yield item, None


def rounding(task, items, workers=None, address=None):
    """Rows that come back changed in the last place."""
    import pyarrow.compute as pc

    for item, rows in threads.run(task, items, workers):
        if hasattr(rows, "column_names"):
            at = rows.column_names.index("test_loss")
            rows = rows.set_column(at, "test_loss", pc.multiply(rows.column(at), 1.0 + 2**-52))
        yield item, rows


@pytest.mark.parametrize(
    ("run", "promise", "needs_folder"),
    [
        (hoarding, "test_items_are_taken_when_there_is_a_worker", False),
        (losing, "test_every_item_comes_back_once", False),
        (losing, "test_nothing_is_lost_and_nothing_twice", True),
        (doubling, "test_every_item_comes_back_once", False),
        (doubling, "test_what_is_stored_is_not_trained_again", True),
        (swallowing, "test_what_a_task_raises_is_raised", False),
        (rounding, "test_rows_are_byte_for_byte_those_of_a_plain_loop", True),
    ],
)
def test_an_executor_that_breaks_a_promise_fails(monkeypatch, tmp_path, run, promise, needs_folder):
    broken = dataclasses.replace(SHELF.get("local"), run=run)
    monkeypatch.setattr("actscope.testing.find", lambda name: broken)
    monkeypatch.setattr("actscope.study.run.find_executor", lambda name: broken)
    with pytest.raises(AssertionError):
        getattr(ExecutorPromises(), promise)(*([tmp_path] if needs_folder else []))


def test_every_executor_on_the_shelf_says_what_it_is():
    assert "local" in SHELF.names()
    for record in SHELF:
        assert isinstance(record, Executor)
        assert record.summary
