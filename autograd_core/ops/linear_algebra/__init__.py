"""Matrices: products, systems, factorizations, and functions of them."""
