"""Sparse tensors: positions and values, and what operations do with them. The package is imported on first use."""

from autograd_core.ops.sparse import members as members  # registers everything
