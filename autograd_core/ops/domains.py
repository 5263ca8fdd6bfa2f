"""Domains in which many operations are tested; the default is [-2, 2]."""

from autograd_core.registry import Interval

REAL = Interval(-3, 3)
OFF_ZERO = Interval(-3, 3, kinks=(0,))
POSITIVE = Interval(0.5, 3)
INSIDE = Interval(-0.9, 0.9)
UNIT = Interval(0.05, 0.95)
