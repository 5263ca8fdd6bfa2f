"""Apple's GPUs, which no kernel here computes on."""


def is_available() -> bool:
    """False."""
    return False


def is_built() -> bool:
    """False."""
    return False
