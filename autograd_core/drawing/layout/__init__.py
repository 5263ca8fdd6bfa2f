"""Positions of boxes and edges: two layouts that produce the same plain data."""
