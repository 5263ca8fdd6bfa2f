"""Elementwise functions of one or more operands."""
