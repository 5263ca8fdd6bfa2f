"""Captured steps: computed by the engine once, then replayed as a short program without it."""

from autograd_core.replay.steps import capture as capture
