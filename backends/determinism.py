"""Whether results must be reproducible: on a CPU they always are, on a GPU this costs time."""

import os

VARIABLE = "AUTOGRAD_CORE_DETERMINISTIC"

_wanted = os.environ.get(VARIABLE, "") not in ("", "0")


def wanted() -> bool:
    """The current setting, initially that of the environment variable."""
    return _wanted


def want(same: bool) -> None:
    """Change the setting, from the next kernel on."""
    global _wanted
    _wanted = same
