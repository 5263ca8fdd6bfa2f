"""Matrices: products, linear systems, factorizations and matrix functions."""
