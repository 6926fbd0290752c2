"""Thousands of small networks trained at once."""

from actscope.engine.api import train
from actscope.engine.result import Result
from actscope.engine.spec import Net, Training, Weights

__all__ = ["Net", "Result", "Training", "Weights", "train"]
