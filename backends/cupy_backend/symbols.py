"""Functions of elements as lines of CUDA C++.

A function is called once with symbols in place of its arrays. Each stands for one element, and operations on it are
recorded as lines. The generic kernels are bound to symbols in the same way as to arrays. A function that reads values,
shapes or positions cannot be recorded. The static parameter `number` is a symbol too, so that a function with ever new
numbers remains one kernel.
"""

from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from backends import kernels
from backends.generic import arithmetic

MOST = 4  # operands
NUMBER = "number"
BOOL = np.dtype(bool)
TYPES = {"bool": "bool", "float32": "float", "float64": "double"}
# NumPy's functions in CUDA C++, with results in the operands' common dtype ...
FORMS = {
    name: f"{name}({{0}})"
    for name in ("exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan", "sinh", "cosh",
                 "tanh", "floor", "ceil", "trunc", "rint", "sign")
} | {
    "absolute": "fabs({0})", "abs": "fabs({0})", "negative": "-{0}", "positive": "{0}", "square": "times({0}, {0})",
    "reciprocal": "1 / {0}", "arctan": "atan({0})",
    "arctanh": "atanh({0})", "round": "rint({0})", "add": "{0} + {1}", "subtract": "{0} - {1}",
    "multiply": "times({0}, {1})", "divide": "{0} / {1}", "maximum": "larger({0}, {1})", "minimum": "smaller({0}, {1})",
    "copysign": "copysign({0}, {1})", "fmod": "fmod({0}, {1})", "hypot": "hypot({0}, {1})",
}  # fmt: skip
# ... or boolean results, and in part boolean operands.
TESTS = {
    "less": "{0} < {1}", "less_equal": "{0} <= {1}", "greater": "{0} > {1}", "greater_equal": "{0} >= {1}",
    "equal": "{0} == {1}", "not_equal": "{0} != {1}", "isnan": "{0} != {0}", "isfinite": "{0} - {0} == 0",
    "isinf": "fabs({0}) == infinity<decltype(+{0})>()",
}  # fmt: skip
LOGIC = {
    "logical_and": "{0} && {1}", "logical_or": "{0} || {1}", "logical_not": "!{0}", "bitwise_and": "{0} && {1}",
    "bitwise_or": "{0} || {1}", "invert": "!{0}",
}  # fmt: skip
OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "power", "and": "bitwise_and",
    "or": "bitwise_or", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal",
    "ne": "not_equal", "neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert",
}  # fmt: skip


class Unwritable(Exception):
    """A function does more than compute with single elements."""


class Symbol:
    """An element: the name of the constant that holds it, its dtype, and the lines that compute it."""

    __array_ufunc__ = None  # lets operators with NumPy scalars defer to this class

    def __init__(self, lines: list[str], dtype: Any, name: str) -> None:
        self.lines, self.dtype, self.name = lines, np.dtype(dtype), name

    def __getattr__(self, name: str) -> Any:
        raise Unwritable(f"asks for .{name}")

    def __bool__(self) -> bool:
        raise Unwritable("looks at a value")

    def astype(self, dtype: Any, copy: bool = True) -> "Symbol":
        """The element in another dtype."""
        return _noted(self.lines, np.dtype(dtype), spelled(self, np.dtype(dtype)))

    def lost(self, other: Any, product: "Symbol") -> "Symbol":
        """The rounding error of the product with another element or a number."""
        return _function("fma({0}, {1}, -{2})")(self, other, product)

    def copy(self) -> "Symbol":
        """Another symbol, which can be changed independently."""
        return Symbol(self.lines, self.dtype, self.name)


def _noted(lines: list[str], dtype: Any, expression: str) -> Symbol:
    """The symbol of a new constant."""
    if dtype.name not in TYPES:
        raise Unwritable(f"computes in {dtype}")
    name = f"t{len(lines)}"
    lines.append(f"const {TYPES[dtype.name]} {name} = {expression};")
    return Symbol(lines, dtype, name)


def spelled(value: Any, dtype: Any) -> str:
    """A symbol or a number as an expression of a dtype."""
    if isinstance(value, Symbol):
        return value.name if value.dtype == dtype else f"({TYPES[dtype.name]}){value.name}"
    number = dtype.type(value)
    if dtype.kind == "b":
        return "true" if number else "false"
    if np.isfinite(number):
        return f"({float(number).hex()}{'f' if dtype.itemsize == 4 else ''})"
    return f"{'-' if number < 0 else ''}{'not_a_number' if number != number else 'infinity'}<{TYPES[dtype.name]}>()"


def _function(form: str, operands_are: Any = None, result_is: Any = None) -> Callable[..., Any]:
    """A function of symbols and numbers in their common dtype, unless another is given for operands or result."""

    def call(*operands: Any, out: Symbol | None = None) -> Symbol:
        dtype = operands_are or _common(*operands)
        lines = next(v.lines for v in operands if isinstance(v, Symbol))
        found = _noted(lines, result_is or dtype, form.format(*[spelled(v, dtype) for v in operands]))
        if out is None:
            return found
        out.name = spelled(found, out.dtype)
        return out

    return call


def _common(*operands: Any) -> Any:
    return np.result_type(*[v.dtype if isinstance(v, Symbol) else v for v in operands])


def _where(condition: Symbol, a: Any, b: Any) -> Symbol:
    dtype = _common(a, b)
    expression = f"{spelled(condition, BOOL)} ? {spelled(a, dtype)} : {spelled(b, dtype)}"
    return _noted(condition.lines, dtype, expression)


def _clip(x: Any, low: Any, high: Any, out: Symbol | None = None) -> Any:
    for name, bound in (("maximum", low), ("minimum", high)):
        if bound is not None:
            x = FUNCTIONS[name](x, bound, out=out)
    return x


def _power(x: Any, exponent: Any, out: Symbol | None = None) -> Symbol:
    if isinstance(exponent, int) and exponent == 2:  # as NumPy does
        return FUNCTIONS["square"](x, out=out)
    return _function("pow({0}, {1})")(x, exponent, out=out)


def _full_like(x: Symbol, value: Any, dtype: Any = None) -> Symbol:
    dtype = np.dtype(dtype or x.dtype)
    return _noted(x.lines, dtype, spelled(value, dtype))


FUNCTIONS: dict[str, Any] = {
    **{name: _function(form) for name, form in FORMS.items()},
    **{name: _function(form, result_is=BOOL) for name, form in TESTS.items()},
    **{name: _function(form, BOOL, BOOL) for name, form in LOGIC.items()},
    **{
        f"{name}_like": lambda x, dtype=None, value=value: _full_like(x, value, dtype)
        for name, value in (("empty", 0), ("zeros", 0), ("ones", 1))
    },
    "full_like": _full_like,
    "where": _where,
    "clip": _clip,
    "power": _power,
    "asarray": lambda x: x,
}


def _operator(name: str, swapped: bool = False, in_place: bool = False) -> Callable[..., Any]:
    function = FUNCTIONS[name]

    def call(self: Symbol, *others: Any) -> Any:
        operands = (*others, self) if swapped else (self, *others)
        return function(*operands, out=self) if in_place else function(*operands)

    return call


for _name, _function_name in OPERATORS.items():
    setattr(Symbol, f"__{_name}__", _operator(_function_name))
    if _function_name not in TESTS and "{1}" in (FORMS | LOGIC).get(_function_name, "{1}"):
        setattr(Symbol, f"__r{_name}__", _operator(_function_name, swapped=True))
        setattr(Symbol, f"__i{_name}__", _operator(_function_name, in_place=True))


class _Symbols(SimpleNamespace):
    """The namespace of symbols: the functions of NumPy that can be recorded."""

    def __getattr__(self, name: str) -> Any:
        if name in FUNCTIONS:
            return FUNCTIONS[name]
        member = getattr(np, name)
        return partial(_refuse, name) if callable(member) and not isinstance(member, type) else member


def _refuse(name: str, *operands: Any, **given: Any) -> Any:
    raise Unwritable(f"calls {name}()")


SYMBOLS: Any = _Symbols()
SYMBOLS.kernels = kernels.bind(SYMBOLS, 1, SYMBOLS)
FUNCTIONS |= {
    f.__name__: partial(f, SYMBOLS) for f in (arithmetic.remainder, arithmetic.floor_divide, arithmetic.logaddexp2)
}
for _name in ("erf", "erfc"):  # CUDA's own are as exact, and float32 stays in float32
    setattr(SYMBOLS.kernels, _name, _function(f"{_name}({{0}})"))


def written(name: str, function: Callable[..., Any], dtypes: Sequence[Any], statics: dict[str, Any]) -> tuple[str, Any]:
    """function(SYMBOLS, *elements, **statics) as a C++ struct, and the dtype of its results: bool, or the float's.

    dtypes: of the elements, a float or bool. Raises Unwritable, or the function's own error.
    """
    dtype = next(d for d in dtypes if d != BOOL)
    lines: list[str] = []
    elements = [Symbol(lines, d, f"x{i}") for i, d in enumerate(dtypes)]
    named = {key: Symbol(lines, dtype, NUMBER) if key == NUMBER else value for key, value in statics.items()}
    result = function(SYMBOLS, *elements, **named)
    if not isinstance(result, Symbol) or result.dtype not in (dtype, BOOL):
        raise Unwritable("gives another dtype")
    if not lines:
        raise Unwritable("computes nothing")
    a = TYPES[dtype.name]
    body = "".join(f"        {line}\n" for line in (*lines, f"return {result.name};"))
    read = [*[TYPES[d.name] for d in dtypes], *[a] * (MOST - len(dtypes))]
    given = ", ".join([*[f"{t} x{i}" for i, t in enumerate(read)], f"{a} {NUMBER}"])
    of = f"static __device__ {TYPES[result.dtype.name]} of({given})"
    return f"struct {name} {{\n    {of} {{\n{body}    }}\n}};\n", result.dtype
