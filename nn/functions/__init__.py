"""Functions of `nn.functional` that are more than operations: random ones, and those with modes or older defaults."""
