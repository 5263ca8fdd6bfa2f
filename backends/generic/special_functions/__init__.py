"""Special functions of float64, and their building blocks: polynomials, and numbers in two parts."""
