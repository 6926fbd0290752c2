"""The figures of a study: heat maps, curves with bands, layers, number formats."""

from actscope.figures.study.curves import CurvePanel, Series, curves
from actscope.figures.study.heat import heat_maps
from actscope.figures.study.layers import LayerPanel, by_format, layer_traces

__all__ = [
    "CurvePanel",
    "LayerPanel",
    "Series",
    "by_format",
    "curves",
    "heat_maps",
    "layer_traces",
]
