"""Whether cuDNN is there, and switches that programs set: they are kept, and change nothing."""

import backends

enabled, benchmark, deterministic, allow_tf32 = True, False, False, True


def is_available() -> bool:
    """Whether there is a GPU."""
    return "cuda" in backends.available()
