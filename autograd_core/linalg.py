"""Linear algebra under the names of `torch.linalg`. The registry fills it."""

__all__: list[str] = []
