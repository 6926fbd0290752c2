"""Thousands of small networks trained at once: `api.train`, measured by `trace.trace`."""

from actscope.engine.result import Result
from actscope.engine.spec import Net, Training, Weights

__all__ = ["Net", "Result", "Training", "Weights"]
