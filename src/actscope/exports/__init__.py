"""Networks of the engine as ONNX files and as PyTorch modules."""

from actscope.exports.onnx_file import export as export
from actscope.exports.torch_module import to_torch as to_torch

__all__ = ["export", "to_torch"]
