"""Lesson 1, activation functions at a glance: every entry of the catalogue, as a table and drawn.

Run: python examples/lesson_1_at_a_glance.py [figure.png]
"""

import sys
from pathlib import Path

import numpy as np

import actscope
from actscope.activations import VECTORS, catalogue
from actscope.figures.activations import activation_grid
from actscope.figures.sheet import render

table = catalogue()
z = np.random.default_rng(0).normal(size=1_000_000)  # inputs as they usually are

print("| activation | formula | range | derivative | mean of f(z) | slope, usual | use case |")
print("|---|---|---|---|---|---|---|")
for name, row in table.iterrows():
    one = actscope.activation(name)
    slope = np.sqrt(np.mean(one.slope_at(z) ** 2))  # root mean square: what backpropagation meets
    print(
        f"| {row.label} | `{row.formula}` | {row.range} | `{row.derivative}` "
        f"| {np.mean(one(z)):.2f} | {slope:.2f} | {row.use_case} |"
    )
for v in VECTORS:  # of a whole vector: the slope is a matrix
    print(f"| {v.label} | `{v.formula}` | {v.range} | `{v.derivative}` | | | {v.use_case} |")

if len(sys.argv) > 1:
    grid = activation_grid([actscope.activation(name) for name in table.index])
    Path(sys.argv[1]).write_bytes(render(grid, "png"))
