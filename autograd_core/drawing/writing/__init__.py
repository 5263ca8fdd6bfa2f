"""Writes pictures: SVG, DOT and HTML, with their texts and colours."""
