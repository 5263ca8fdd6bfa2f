"""Special functions of float64, and their building blocks: polynomials, and pairs of numbers that keep lost digits."""
