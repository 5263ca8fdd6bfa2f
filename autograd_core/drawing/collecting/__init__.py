"""Collects what a picture shows: nodes, modules, values and gradients, and decides what to leave out."""
