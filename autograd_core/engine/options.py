"""The options of every public function: `out=`, NumPy's names of parameters, and PyTorch's older forms."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core import functional
from autograd_core.dtypes import can_cast
from autograd_core.engine.arguments import SYNONYMS, cast, meant
from autograd_core.engine.casting import contexts_of, modes, recast
from autograd_core.engine.failures import as_operand_error, misfit, out_of_memory, rename
from autograd_core.engine.libraries import ELSEWHERE, VMAP
from autograd_core.engine.overriding import overridden
from autograd_core.errors import DeviceError, DtypeError, OperandError, VmapError, warn
from autograd_core.grad_mode import grad_enabled
from autograd_core.tensor import Tensor

OF_ZEROS = {f"{prefix}{name}" for prefix, name in itertools.product(("", "new_"), ("zeros", "empty"))}
OF_ZEROS |= {"zeros_like", "empty_like"}  # the functions that also make sparse tensors
FACTORS = ("value", "beta", "alpha")  # which PyTorch's older forms take as numbers before the tensors they multiply


def deliver(name: str, result: Any, out: Any) -> Any:
    """Write the result into the tensor, or tuple of tensors, given as `out=`, and return it.

    A tensor of another shape is resized, with a warning if it has elements. Nothing is recorded.
    """
    if not isinstance(out, Tensor) and not isinstance(result, Tensor):
        if len(out) != len(result):
            raise OperandError(f"{name}(): out= must hold {len(result)} tensors, not {len(out)}")
        for one, target in zip(result, out, strict=True):
            deliver(name, one, target)
        return result._make(out) if hasattr(result, "_make") else out
    if not (isinstance(out, Tensor) and isinstance(result, Tensor)):
        raise TypeError(f"{name}(): out= must be a tensor for each result, not {type(out).__name__}")
    if grad_enabled() and (result.node is not None or out.node is not None):
        raise OperandError(
            f"{name}(): writes to out= are not recorded, but a tensor requires a gradient; drop out=, or use no_grad()"
        )
    if result.array.__class__ is not out.array.__class__ and result.device != out.device:
        raise DeviceError(f"{name}(): the result is on {result.device}, and out= on {out.device}")
    if not can_cast(result.array.dtype, out.array.dtype):
        raise DtypeError(f"{name}(): the result of {result.dtype} cannot be written to out= of {out.dtype}")
    if result.shape == out.shape:
        return out.copy_(result)
    if out.array.size:
        told = f"{name}(): the result has shape {result.shape} but out= has shape {out.shape} and is resized"
        warn(told)
    out.array = cast(result, out.array.dtype).array.copy()
    return out


def with_options(function: Callable[..., Any], keeps_shape: bool = False) -> Callable[..., Any]:
    """The function with further options of PyTorch's creation functions.

    out: the tensor to write and return; its dtype counts. layout: `strided`, of zeros also a sparse one.
    pin_memory: use page-locked memory.
    keeps_shape: whether `out` keeps its own shape if it has as many elements as the result.
    """

    @functools.wraps(function)
    def call(
        *args: Any, out: Tensor | None = None, layout: str | None = None, pin_memory: bool = False, **given: Any
    ) -> Any:
        if ELSEWHERE and layout is None and function.__name__ in OF_ZEROS and args and args[0].__class__ is Tensor:
            layout = args[0].layout
        if layout not in (None, "strided"):
            return _zeros(function, args, given, layout)
        if out is not None:
            made = function(*args, **{"dtype": out.dtype, **given})
            if keeps_shape and made.numel() == out.numel():
                made = made.reshape(out.shape)
            return deliver(function.__name__, made, out)
        try:
            made = function(*args, **given)
        except VmapError as e:  # it reads numbers, which differ between samples
            made = VMAP.one_by_one(function, args, given, e)
        except MemoryError as e:
            raise out_of_memory(f"{function.__name__}()", e) from e
        except (TypeError, ValueError) as e:
            _name_argument(function, args, given, e)
            raise as_operand_error(function.__name__, e) from e.__cause__
        return made.detach().pin_memory().requires_grad_(made.requires_grad) if pin_memory else made

    call.options = True  # type: ignore[attr-defined]  # for stubs
    call.__module__ = functional.__name__  # so that pickle finds it
    return call


def _zeros(function: Callable[..., Any], args: Any, given: dict[str, Any], layout: str) -> Any:
    """The zeros that a function makes in a sparse layout."""
    if function.__name__ not in OF_ZEROS:
        raise RuntimeError(f"{function.__name__}(): tensors are strided, not {layout}; see to_sparse()")
    like = function(*args, **given | {"device": "meta", "requires_grad": False})
    device = given.get("device") or (args[0].device if args and isinstance(args[0], Tensor) else None)
    made = functional.sparse_coo_tensor(size=like.shape, dtype=like.dtype, device=device).to_sparse(layout=layout)
    return made.requires_grad_(given.get("requires_grad", False))


def with_synonyms(function: Callable[..., Any], name: str = "") -> Callable[..., Any]:
    """Accept `out=`, NumPy's `axis` and `keepdims` for `dim` and `keepdim`, and older orders, in a composition.

    name: of the entry whose autocast policy applies.
    """
    code = function.__code__
    count = code.co_argcount
    parameters = code.co_varnames[: count + code.co_kwonlyargcount]
    factors = [s for s in FACTORS if s in parameters[count:]]
    names, own = {s: meant(s, parameters) for s in SYNONYMS}, set(parameters)
    contexts = contexts_of(name)

    @functools.wraps(function)
    def call(*args: Any, **given: Any) -> Any:
        if contexts and modes():
            return recast(name, call, *args, **given)
        out = None
        if given and not (given.keys() <= own):
            out = given.pop("out", None)
            given = {names.get(k, k): v for k, v in given.items()}
        if count < len(args) <= count + len(factors):  # addcmul(input, value, tensor1, tensor2)
            given |= zip(factors, filter(np.isscalar, args), strict=False)
            args = tuple(itertools.filterfalse(np.isscalar, args))
        try:
            result = function(*args, **given)
        except VmapError as e:  # it reads values, which differ between samples
            result = VMAP.one_by_one(call, args, given, e)
        except AttributeError as e:
            if (result := overridden(call, args, given)) is NotImplemented:
                listed = [*parameters[:count], *(f"argument {i + 1}" for i in range(count, len(args)))]
                _refuse_others(call.__name__, {**dict(zip(listed, args, strict=False)), **given}, e)
                raise
        except (RuntimeError, TypeError) as e:
            if not isinstance(e, TypeError) or (result := overridden(call, args, given)) is NotImplemented:
                rename(e, call.__name__)
                _name_argument(function, args, given, e)
                raise
        except MemoryError as e:
            raise out_of_memory(f"{call.__name__}()", e) from e
        except (ValueError, OverflowError) as e:
            raise as_operand_error(call.__name__, e) from e.__cause__
        return result if out is None else deliver(function.__name__, result, out)

    return call


def _name_argument(function: Callable[..., Any], args: Any, given: dict[str, Any], error: Exception) -> None:
    """Raise if an argument of a wrong type made Python or NumPy raise, whose errors do not name it."""
    parameters = inspect.signature(function).parameters
    defaults = {name: p.default for name, p in parameters.items()}
    if what := misfit({**dict(zip(parameters, args, strict=False)), **given}, defaults, error):
        raise TypeError(f"{function.__name__}(): {what}") from error


def _refuse_others(name: str, given: dict[str, Any], error: AttributeError) -> None:
    """Raise if what lacks an attribute is an argument that should have been a tensor."""
    for parameter, value in given.items():
        kind = type(value).__name__
        if value is error.obj and f"{kind}' object has no" in str(error) and not isinstance(value, Tensor):
            raise TypeError(f"{name}(): {parameter} must be a tensor, not {kind}; make one with tensor(...)") from error
