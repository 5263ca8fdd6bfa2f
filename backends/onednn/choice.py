"""Which kernels are used: oneDNN's where they are there, or NumPy's alone."""

from backends import threads
from backends.onednn.library import Library, Unusable, load

CHOICES = ("auto", "onednn", "numpy")


class _Choice:
    """What is wanted, and the library in use; None before the first kernel asked for it, False without one."""

    wanted = "auto"
    library: Library | bool | None = None


_choice = _Choice()


def active() -> bool:
    """Whether oneDNN's kernels are to be used; the first call loads the library."""
    if _choice.library is None:
        try:
            _choice.library = load()
        except Unusable:
            _choice.library = False
    return _choice.library is not False


def chosen() -> str:
    """What was chosen: "auto", "onednn" or "numpy"."""
    return _choice.wanted


def choose(kernels: str) -> None:
    """Use "onednn" (Unusable, with the remedy, if that cannot be), "numpy", or with "auto" what is there."""
    if kernels not in CHOICES:
        raise ValueError(f"kernels must be one of {', '.join(map(repr, CHOICES))}, not {kernels!r}")
    if kernels == "onednn":
        load()
    _choice.wanted, _choice.library = kernels, False if kernels == "numpy" else None


def describe() -> str:
    """What is in use, with its version and number of threads."""
    if not active():
        return "NumPy"
    return f"{load()}, {threads.get_num_threads()} threads"
