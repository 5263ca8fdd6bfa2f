"""The choice of kernels: oneDNN's if available, or only NumPy's."""

from backends import threads
from backends.geometry import Array
from backends.onednn.library import SHORT, Library, Unusable, load

CHOICES = ("auto", "onednn", "numpy")
TINY = 1 << 12  # multiplications of two matrices of a stack


class _Choice:
    """The setting, and the library in use: None before a kernel first asks for it, False if there is none."""

    wanted = "auto"
    library: Library | bool | None = None


_choice = _Choice()


def active() -> bool:
    """Whether oneDNN's kernels are used; the first call loads the library."""
    if _choice.library is None:
        try:
            _choice.library = load()
        except Unusable:
            _choice.library = False
    return _choice.library is not False


def multiplies(x: Array, y: Array) -> bool:
    """Whether oneDNN's kernels are used for products of these elements: float32, or 16-bit floats of one kind, for
    which the processor has instructions that add in float32.
    """
    kind = x.dtype.char
    if kind == "f":
        return y.dtype.char == "f" and active()
    return kind in SHORT and y.dtype.char == kind and active() and kind in load().multiplied


def left_to_blas(a: Array, b: Array) -> bool:
    """Whether NumPy multiplies float32 faster, without AVX-512: stacks of tiny matrices, and anything on one thread.

    The library computes products of transposed matrices, as in gradients of weights, at two thirds of BLAS's rate.
    """
    if a.dtype.char != "f" or load().is_wide:
        return False
    return threads.get_num_threads() == 1 or (a.ndim > 2 and a.shape[-2] * a.shape[-1] * b.shape[-1] <= TINY)


def asked() -> bool | None:
    """The same, or None if no kernel has asked yet; loads nothing."""
    return None if _choice.library is None else _choice.library is not False


def chosen() -> str:
    """The setting: "auto", "onednn" or "numpy"."""
    return _choice.wanted


def choose(kernels: str) -> None:
    """Use "onednn" (or raise Unusable, with the remedy), "numpy", or with "auto" oneDNN if it is available."""
    if kernels not in CHOICES:
        raise ValueError(f"kernels must be one of {', '.join(map(repr, CHOICES))}, not {kernels!r}")
    if kernels == "onednn":
        load()
    _choice.wanted, _choice.library = kernels, False if kernels == "numpy" else None


def describe() -> str:
    """The library in use, its version and number of threads."""
    if not active():
        return "NumPy"
    count = threads.get_num_threads()
    return f"{load()}, {count} thread{'s' if count > 1 else ''}"
