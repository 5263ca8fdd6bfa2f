"""Special functions of float64, and what they are made of: polynomials, pairs of numbers that keep the last digits."""
