"""References for inverse functions. No operations here."""


def inverse_of(increasing, low, high):
    """The inverse of an increasing function of one number, by bisection."""

    def inverse(y):
        a, b = low, high
        for _ in range(200):
            middle = (a + b) / 2
            a, b = (middle, b) if increasing(middle) < y else (a, middle)
        return (a + b) / 2

    return inverse
