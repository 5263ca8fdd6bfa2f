"""Checks and benchmarks on an NVIDIA GPU: `python -m benchmarks.gpu`."""
