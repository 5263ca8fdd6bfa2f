"""Creation of tensors: from values, filled, in ranges, at random."""
