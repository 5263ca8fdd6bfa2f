"""Whether results must be the same every time: on a CPU they always are, on a GPU that costs time."""

import os

VARIABLE = "AUTOGRAD_CORE_DETERMINISTIC"

_wanted = os.environ.get(VARIABLE, "") not in ("", "0")


def wanted() -> bool:
    """What was said last; at first what the environment variable says."""
    return _wanted


def want(same: bool) -> None:
    """Say whether they must be, from the next kernel on."""
    global _wanted
    _wanted = same
