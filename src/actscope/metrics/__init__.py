"""The catalogue of geometry metrics: one file each."""

from actscope.metrics._base import Bounds, Metric
from actscope.metrics._lookup import SHELF, metric

__all__ = ["SHELF", "Bounds", "Metric", "metric"]
