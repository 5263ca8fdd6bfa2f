"""Einstein summation, lowered to diagonals, sums, permutations and matrix products."""

import math
import string
from functools import lru_cache

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import MATMUL
from autograd_core.registry import composition, sample
from autograd_core.tensor import Tensor

LETTERS = string.ascii_uppercase + string.ascii_lowercase
EQUATIONS = (
    sample("ij,jk->ik", (2, 3), (3, 2)), sample("bij,bjk->bik", (2, 2, 3), (2, 3, 2)), sample("ii->i", (3, 3)),
    sample("ii", (3, 3)), sample("ij->ji", (2, 3)), sample("i,j", (2,), (3,)), sample("ij,ij->", (2, 3), (2, 3)),
    sample("...ij,...jk", (2, 2, 3), (3, 2)),
    sample("bn,anm,bm->ba", (2, 3), (2, 3, 2), (2, 2)), sample("ijk->j", (2, 3, 2)), sample("i,i,i", (3,), (3,), (3,)),
    sample("ab,b,c->c", (2, 3), (3,), (2,)), sample("ij,kj->ik", (2, 1), (3, 4)),
    sample("a,b,c->abc", (2,), (3,), (2,)), sample("ij,jk->ik", (0, 3), (3, 2)), sample("ij,jk->ik", (2, 0), (0, 2)),
)


@composition(MATMUL, samples=EQUATIONS, reference=np.einsum, method=False)
def einsum(equation, *operands):
    """Sum of products named by letters: einsum("bij,bjk->bik", x, y).

    Repeated letters multiply along the same axis, letters missing after the arrow are summed, "..." stands for the
    remaining axes. Operands are passed one by one or in a list; three or more are contracted pairwise, cheapest
    first. Numbers below 52 can replace letters: einsum(x, [0, 1], y, [1, 2], [0, 2]).

    >>> from autograd_core import einsum, tensor
    >>> einsum("i,i->", tensor([1.0, 2.0]), tensor([3.0, 4.0]))
    tensor(11.)
    """
    if not isinstance(equation, str):
        if any(isinstance(v, str) for v in operands):
            raise TypeError("einsum() takes the equation first: einsum('ij->i', x)")
        equation, operands = _spelled((equation, *operands))
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    if odd := [type(x).__name__ for x in operands if not isinstance(x, Tensor)]:
        raise TypeError(f"einsum() takes tensors, not {odd[0]}")
    letters, output = _parsed(equation, tuple([x.shape for x in operands]))
    terms = [_simplified(x, t) for x, t in zip(operands, letters, strict=True)]
    for pair in _order(terms, output):
        later, sooner = sorted(pair, reverse=True)
        (x, s), (y, t) = terms[sooner], terms[later]
        rest = [p for i, p in enumerate(terms) if i not in pair]
        needed = set(output).union(*[p[1] for p in rest])
        terms = [*rest, _contracted(x, s, y, t, needed)]
    x, letters = terms[0]
    return _finished(x, letters, output)


def _spelled(arguments):
    """The equation and operands of a call with lists of axis numbers after each operand, and last for the output."""
    pairs = len(arguments) // 2 * 2
    equation = ",".join(map(_letters, arguments[1:pairs:2]))
    return "->".join([equation, *map(_letters, arguments[pairs:])]), arguments[:pairs:2]


def _letters(numbers):
    if odd := [k for k in numbers if k is not Ellipsis and not 0 <= k < len(LETTERS)]:
        raise OperandError(f"einsum(): axes are numbered from 0 to 51, not {odd[0]}")
    return "".join("..." if k is Ellipsis else LETTERS[k] for k in numbers)


@lru_cache(maxsize=256)
def _parsed(equation, shapes):
    """One string of letters per operand, and one for the output; an ellipsis becomes unused capital letters."""
    text = equation.replace(" ", "")
    left, arrow, output = text.partition("->")
    terms = left.split(",")
    if odd := sorted(set(text.replace("...", "").replace(",", "").replace("->", "")) - set(LETTERS)):
        raise OperandError(f"einsum(): '{odd[0]}' in '{equation}' is not a letter")
    if len(terms) != len(shapes):
        raise OperandError(f"einsum(): '{equation}' names {len(terms)} operands but {len(shapes)} were given")
    free = [c for c in "ZYXWVUTSRQPONMLKJIHGFEDCBA" if c not in text]
    most = max(
        [len(x) - len(t.replace("...", "")) for x, t in zip(shapes, terms, strict=True) if "..." in t], default=0
    )
    rest = "".join(free[:most])[::-1]
    out = []
    for x, t in zip(shapes, terms, strict=True):
        extra = len(x) - len(t.replace("...", ""))
        if extra < 0 or (extra and "..." not in t):
            raise OperandError(f"einsum(): '{t}' in '{equation}' does not fit an operand of shape {x}")
        out.append(t.replace("...", rest[len(rest) - extra :]))
    if arrow:
        output = output.replace("...", rest)
    else:
        named = [c for c in "".join(out) if c not in rest]
        output = rest + "".join(sorted(c for c in set(named) if named.count(c) == 1))
    if len(set(output)) < len(output) or not set(output) <= set("".join(out)):
        raise OperandError(
            f"einsum(): the output '{output}' of '{equation}' repeats a letter or uses one that no operand has"
        )
    return out, output


def _simplified(x, letters):
    """Repeated letters of one operand reduced to one, by its diagonal."""
    for c in dict.fromkeys(letters):
        while letters.count(c) > 1:
            i = letters.index(c)
            j = letters.index(c, i + 1)
            if x.shape[i] != x.shape[j]:
                raise OperandError(f"einsum(): '{c}' stands for lengths {x.shape[i]} and {x.shape[j]} of one operand")
            x = functional.diagonal(x, dim1=i, dim2=j)
            letters = "".join(d for k, d in enumerate(letters) if k not in (i, j)) + c
    return x, letters


def _order(terms, output):
    """Pairs of positions to contract in turn; each product is appended at the end."""
    in_turn = [(0, 1)] * (len(terms) - 1)
    letters = set("".join(t for _, t in terms))
    if len(terms) <= 2 or any(len({x.shape[t.index(c)] for x, t in terms if c in t}) > 1 for c in letters):
        return in_turn
    equation = ",".join(t for _, t in terms) + "->" + output
    path = np.einsum_path(equation, *[np.broadcast_to(0.0, x.shape) for x, _ in terms], optimize=("greedy", 2**62))[0]
    pairs = [step for step in path[1:] if len(step) == 2]
    return pairs + in_turn[len(pairs) :]  # what the greedy search left undecided


def _contracted(x, s, y, t, needed):
    """The product of two operands, summed over shared letters that are no longer needed, by a matrix product."""
    x, s = _summed(x, s, set(t) | needed)
    y, t = _summed(y, t, set(s) | needed)
    plan = _as_matrices(x.shape, s, y.shape, t, frozenset(needed))
    if plan is None:
        return _broadcast_product(x, s, y, t, needed)
    of_x, of_y, shape, letters = plan
    return _shaped(functional.matmul(_arranged(x, *of_x), _arranged(y, *of_y)), shape), letters


@lru_cache(maxsize=256)
def _as_matrices(x_shape, s, y_shape, t, needed):
    """How two operands become matrices (the order of their axes, and a shape), the shape of the product, its letters.

    None if an axis of length 1 meets a longer one.
    """
    both = [c for c in s if c in t]
    for c in both:
        m, n = x_shape[s.index(c)], y_shape[t.index(c)]
        if m != n and 1 not in (m, n):
            raise OperandError(f"einsum(): '{c}' stands for lengths {m} and {n}")
    if any(x_shape[s.index(c)] != y_shape[t.index(c)] for c in both):
        return None
    batch, inner = [c for c in both if c in needed], [c for c in both if c not in needed]
    left, right = [c for c in s if c not in both], [c for c in t if c not in both]
    size = {**dict(zip(s, x_shape, strict=True)), **dict(zip(t, y_shape, strict=True))}
    b, i, m, n = (tuple([size[c] for c in part]) for part in (batch, inner, left, right))
    of_x = _order_of(s, batch + left + inner), (*b, math.prod(m), math.prod(i))
    of_y = _order_of(t, batch + inner + right), (*b, math.prod(i), math.prod(n))
    return of_x, of_y, (*b, *m, *n), "".join(batch + left + right)


def _arranged(x, order, shape):
    """An operand with its axes in another order, unless that is None, and then in another shape."""
    return _shaped(x if order is None else functional.permute(x, order), shape)


def _shaped(x, shape):
    return x if x.shape == shape else functional.reshape(x, shape)


def _order_of(letters, wanted):
    """The order of axes that are wanted; None if it is theirs."""
    order = tuple([letters.index(c) for c in wanted])
    return None if order == tuple(range(len(letters))) else order


def _turned(x, letters, wanted):
    """The axes of an operand in another order."""
    order = _order_of(letters, wanted)
    return x if order is None else functional.permute(x, order)


def _broadcast_product(x, s, y, t, needed):
    """The rare case of an axis of length 1 that meets a longer one."""
    union = "".join(dict.fromkeys(s + t))
    aligned = [
        _shaped(
            _turned(v, w, [c for c in union if c in w]), tuple(v.shape[w.index(c)] if c in w else 1 for c in union)
        )
        for v, w in ((x, s), (y, t))
    ]
    return _summed(aligned[0] * aligned[1], union, needed)


def _summed(x, letters, needed):
    dims = tuple(i for i, c in enumerate(letters) if c not in needed)
    return (functional.sum(x, dim=dims), "".join(c for c in letters if c in needed)) if dims else (x, letters)


def _finished(x, letters, output):
    x, letters = _summed(x, letters, set(output))
    return _turned(x, letters, output)
