"""Random numbers, from one generator per device that `manual_seed` starts again."""

from __future__ import annotations

import threading

from autograd_core import dtypes, functional
from autograd_core.creation import _shape
from autograd_core.devices import Device, backend_of
from autograd_core.tensor import Tensor, wrap

_generators = {}
_seed = None
_lock = threading.Lock()


class Generator:
    """A stream of random numbers of its own, for one device."""

    def __init__(self, device="cpu"):
        self.device = Device(device)
        self.manual_seed(None)

    def manual_seed(self, seed):
        """Start again from `seed`; returns the generator."""
        self._stream = backend_of(self.device).random.generator(seed, self.device.index or 0)
        return self

    def get_state(self):
        """What `set_state` needs to resume here."""
        return self._stream.state

    def set_state(self, state):
        """Resume from a state."""
        self._stream.state = state


def manual_seed(seed):
    """Start the random numbers of every device again from `seed`.

    >>> from autograd_core import rand
    >>> manual_seed(0); a = rand(2); manual_seed(0); bool((a == rand(2)).all())
    True
    """
    global _seed
    with _lock:
        _seed = int(seed)
        _generators.clear()


def get_rng_state(device="cpu"):
    """The state of a device's generator, for `set_rng_state`."""
    return _stream(device, None).state


def set_rng_state(state, device="cpu"):
    """Resume a device's generator from a state."""
    _stream(device, None).state = state


def _stream(device, generator):
    if generator is not None:
        return generator._stream
    device = Device(device or "cpu")
    key = (device.type, device.index or 0)
    with _lock:
        if key not in _generators:
            _generators[key] = backend_of(device).random.generator(_seed, key[1])
        return _generators[key]


def _finish(array, requires_grad):
    t = wrap(array)
    return t.requires_grad_() if requires_grad else t


def rand(*size, dtype=None, device=None, requires_grad=False, generator=None):
    """Uniform numbers in [0, 1)."""
    dtype = dtypes.as_dtype(dtype) or dtypes.get_default_dtype()
    return _finish(_stream(device, generator).uniform(_shape(size), dtype), requires_grad)


def randn(*size, dtype=None, device=None, requires_grad=False, generator=None):
    """Standard normal numbers."""
    dtype = dtypes.as_dtype(dtype) or dtypes.get_default_dtype()
    return _finish(_stream(device, generator).normal(_shape(size), dtype), requires_grad)


def randint(low, high=None, size=None, dtype=None, device=None, generator=None):
    """Integers from `low` (0 if only one bound is given) up to but not including `high`."""
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if high <= low:
        raise RuntimeError(f"randint() needs low < high, not {low} and {high}")
    array = _stream(device, generator).integers(low, high, _shape((size,)))
    return wrap(array if dtype is None else array.astype(dtypes.as_dtype(dtype)))


def randperm(n, device=None, generator=None):
    """The numbers 0 to n - 1 in random order."""
    return wrap(_stream(device, generator).permutation(n))


def bernoulli(input, generator=None):
    """Ones with the probabilities in `input`, else zeros."""
    draws = _stream(input.device, generator).uniform(input.shape, input.dtype)
    return wrap((draws < input.array).astype(input.dtype))


def normal(mean, std, size=None, dtype=None, device=None, generator=None):
    """Normal numbers with a mean and a standard deviation, each a number or a tensor."""
    if size is None:
        size = next(v.shape for v in (mean, std) if hasattr(v, "shape"))
    return mean + std * randn(size, dtype=dtype, device=device, generator=generator)


def rand_like(input, dtype=None):
    """Uniform numbers in [0, 1) in the shape of `input`."""
    return rand(input.shape, dtype=dtype or input.dtype, device=input.device)


def randn_like(input, dtype=None):
    """Standard normal numbers in the shape of `input`."""
    return randn(input.shape, dtype=dtype or input.dtype, device=input.device)


def keep_mask(like, p, generator=None):
    """Booleans in the shape of `like` that are True with probability 1 - p."""
    return wrap(_stream(like.device, generator).bernoulli(1 - p, like.shape))


RANDOM = (manual_seed, get_rng_state, set_rng_state, rand, randn, randint, randperm, bernoulli, normal, rand_like, randn_like)


def install():
    """Random functions in the functional form, and their in-place methods."""
    for f in RANDOM:
        setattr(functional, f.__name__, f)
    functional.Generator = Generator

    def uniform_(self, low=0.0, high=1.0, generator=None):
        """Write uniform numbers in [low, high); returns the tensor."""
        draws = _stream(self.device, generator).uniform(self.shape, self.dtype)
        return self.copy_(wrap(low + (high - low) * draws))

    def normal_(self, mean=0.0, std=1.0, generator=None):
        """Write normal numbers; returns the tensor."""
        draws = _stream(self.device, generator).normal(self.shape, self.dtype)
        return self.copy_(wrap(mean + std * draws))

    Tensor.uniform_, Tensor.normal_ = uniform_, normal_
