"""Compatibility with PyTorch programs beyond operations: settings, older names, other locations, missing functions."""
