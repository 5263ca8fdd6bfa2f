"""Special functions under the names of `torch.special`. The registry fills it."""

__all__: list[str] = []
