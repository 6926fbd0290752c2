"""Where the chunks of a study are worked on: one executor a file."""

from actscope.study.executors._base import Executor
from actscope.study.executors._lookup import SHELF, executor

__all__ = ["SHELF", "Executor", "executor"]
