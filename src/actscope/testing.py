"""Promises as tests that ship: whoever writes an executor inherits its exam from here.

```python
from actscope.testing import ExecutorPromises

class TestMine(ExecutorPromises):
    executor = "mine"
```

Nothing here imports pytest; it only has to run the class.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from actscope.study.chunks import chunks
from actscope.study.executors._lookup import executor as find
from actscope.study.plan import Study
from actscope.study.progress import Tally
from actscope.study.result import StudyResult
from actscope.study.store import Store
from actscope.study.work import run_chunk


def square(item: int) -> int:
    """A task that any worker can do."""
    return item * item


def refuse(item: int) -> int:
    """A task that fails for one item."""
    if item == 3:
        raise ZeroDivisionError("three")
    return item


class ExecutorPromises:
    """What every executor promises: the same rows byte for byte, nothing lost, nothing twice.

    Attributes:
        executor: the name of the executor under test.
        address: of its cluster; None starts one here, where it has one.

    Example:
        >>> class TestLocal(ExecutorPromises):
        ...     executor = "local"
        >>> TestLocal().test_every_item_comes_back_once()
    """

    executor = "local"
    address: str | None = None

    def study(self, **changes: Any) -> Study:
        """A study of seconds, in several chunks."""
        fields: dict[str, Any] = {
            "activation": ["relu", "tanh"], "lr": [0.05, 0.5], "epochs": 30, "points": 80,
            "width": 4, "seeds": 900, "curve": 3,
        }  # fmt: skip
        return Study(**(fields | changes))

    def results(self, task: Any, items: Any, workers: int | None = 2) -> Iterator[Any]:
        """What the executor makes of a task and items."""
        return find(self.executor).run(task, items, workers, self.address)

    def run(self, study: Study, folder: Path) -> StudyResult:
        """The study on this executor."""
        return study.run(folder, executor=self.executor, workers=2, address=self.address)

    def test_every_item_comes_back_once(self) -> None:
        """Each with its own result, in any order, whatever the number of workers."""
        for workers in (1, 2, 5):
            pairs = list(self.results(square, range(40), workers))
            assert sorted(pairs) == [(i, i * i) for i in range(40)]

    def test_no_items_are_no_results(self) -> None:
        """An empty source ends at once."""
        assert list(self.results(square, [])) == []

    def test_items_are_taken_when_there_is_a_worker(self) -> None:
        """The source is never far ahead of the results, so memory stays flat."""
        taken, done = 0, 0

        def source() -> Iterator[int]:
            nonlocal taken
            for i in range(50):
                taken += 1
                assert taken - done <= 8, "the executor hoards"
                yield i

        for _ in self.results(square, source(), 2):
            done += 1
        assert (taken, done) == (50, 50)

    def test_what_a_task_raises_is_raised(self) -> None:
        """As the exception that it was."""
        try:
            list(self.results(refuse, range(6)))
        except ZeroDivisionError as error:
            assert "three" in str(error)
        else:
            raise AssertionError("the error was swallowed")

    def test_rows_are_byte_for_byte_those_of_a_plain_loop(self, tmp_path: Path) -> None:
        """Chunk files are named after their bytes, so equal names are equal bytes."""
        study = self.study()
        plain = Store(tmp_path / "plain")
        plain.prepare()
        for chunk in chunks(Tally(study.plan())):
            plain.add(run_chunk(chunk, threads=1))
        mine = self.run(study, tmp_path / "mine")
        names = [p.name for p in mine.store.files()]
        assert names == [p.name for p in plain.files()]
        assert len(names) > 2, "too few chunks to prove anything"

    def test_nothing_is_lost_and_nothing_twice(self, tmp_path: Path) -> None:
        """Every trial of the plan, once."""
        study = self.study()
        ids = self.run(study, tmp_path / "s").table().id
        assert sorted(ids) == sorted(study.plan().ids())

    def test_a_trial_that_fails_is_one_row_with_its_error(self, tmp_path: Path) -> None:
        """And the others are as if it were not there."""
        study = self.study(activation=["relu", "sigmoid"], init="tanh_equivalent", seeds=3)
        table = self.run(study, tmp_path / "s").table()
        failed = table[table.error.notna()]
        assert set(failed.activation) == {"relu"}
        assert len(failed) == 6
        assert len(table) == 12
        assert failed.error.str.startswith("InputError: ").all()

    def test_what_is_stored_is_not_trained_again(self, tmp_path: Path) -> None:
        """A larger study on the same folder trains the difference, with the same rows."""
        small, large = self.study(seeds=10), self.study(seeds=16)
        self.run(small, tmp_path / "s")
        grown = self.run(large, tmp_path / "s")
        assert [r["trained"] for r in grown.runs] == [40, 24]
        assert grown.table().equals(self.run(large, tmp_path / "new").table())

    def test_a_run_that_was_left_early_is_completed(self, tmp_path: Path) -> None:
        """As if the driver were killed between two chunks."""
        study = self.study()
        left = Store(tmp_path / "s")
        left.prepare()
        source = self.results(functools.partial(run_chunk, threads=1), chunks(Tally(study.plan())))
        left.add(next(source)[1])
        source.close()  # type: ignore[attr-defined]
        done = self.run(study, tmp_path / "s")
        assert 0 < done.runs[-1]["trained"] < study.plan().trials
        assert done.table().equals(self.run(study, tmp_path / "new").table())

    def test_the_record_says_who_did_it(self, tmp_path: Path) -> None:
        """The name of the executor stands in study.json."""
        result = self.run(self.study(seeds=2), tmp_path / "s")
        assert result.runs[0]["executor"] == self.executor
        assert dataclasses.asdict(result.study)["name"] == "study"
