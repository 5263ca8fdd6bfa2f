"""Kernels written once for every array library, against the namespace they are given."""
