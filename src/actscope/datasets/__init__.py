"""The catalogue of data sets: one file each."""

from actscope.datasets._base import Bayes, Dataset, Param
from actscope.datasets._lookup import SHELF, dataset

__all__ = ["SHELF", "Bayes", "Dataset", "Param", "dataset"]
