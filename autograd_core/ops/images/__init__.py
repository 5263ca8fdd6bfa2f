"""Grids of one, two and three dimensions: padding, windows, interpolation."""
