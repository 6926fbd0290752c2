"""Grids of trainings: planned, run, stored, asked."""

from actscope.study.plan import Plan, Study
from actscope.study.result import StudyResult
from actscope.study.traces import Trace

__all__ = ["Plan", "Study", "StudyResult", "Trace"]
