"""Kernels written once, against the array namespace that is given, for every array library."""
