"""Layers, a file each kind."""
