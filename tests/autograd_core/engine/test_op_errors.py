"""What operations and their registration say about what they cannot take."""

import math
import operator

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import DtypeError, OperandError
from autograd_core.kinds import BINARY, ELEMENTWISE
from autograd_core.registry import op
from autograd_core.testing import temporary_ops

F = ag.functional


def wide(values, requires_grad=False):
    return ag.tensor(values, dtype="float64", requires_grad=requires_grad)


def whole(values):
    return ag.tensor(values, dtype="int64")


def zeros(*shape):
    return ag.zeros(shape, dtype="float64")


X, COLUMN = wide([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), whole([[0], [1]])
HALF = wide([0.5, 0.5])
WRONG = {
    "reduction": (ValueError, lambda: F.mse_loss(X, X, reduction="average"), "'mean', 'sum' or 'none'"),
    "reduction of cross_entropy": (ValueError, lambda: F.cross_entropy(X, whole([0, 1]), reduction="no"), "'mean'"),
    "sum_to_size": (OperandError, lambda: X.sum_to_size(2, 2, 3), r"does not broadcast to the shape \(2, 3\)"),
    "classes": (OperandError, lambda: F.cross_entropy(X, whole([0, 1, 2])), r"in shape \(2,\)"),
    "exchanged": (OperandError, lambda: F.cross_entropy(whole([0, 1]), X), "scores come first"),
    "class range": (IndexError, lambda: F.cross_entropy(X, whole([0, 3])), "between 0 and 2; found 0 to 3"),
    "negative class": (IndexError, lambda: F.cross_entropy(X, whole([0, -1])), "between 0 and 2; found -1 to 0"),
    "class dtype": (OperandError, lambda: F.nll_loss(X, HALF), "must be integers, not float64"),
    "class weight": (OperandError, lambda: F.nll_loss(X, whole([0, 1]), HALF), r"shape \(3,\)"),
    "smoothing": (OperandError, lambda: F.cross_entropy(X, whole([0, 1]), label_smoothing=1.5), "between 0 and 1"),
    "probabilities": (OperandError, lambda: F.cross_entropy(X, HALF), r"target\.long\(\)"),
    "one-hot integers": (OperandError, lambda: F.cross_entropy(X, ag.ones_like(X).long()), r"target\.float\(\)"),
    "nothing": (TypeError, lambda: ag.sum(None), r"sum\(\): NoneType is not a tensor.*return nothing"),
    "rows": (
        IndexError,
        lambda: F.embedding(whole([1, 2]), X),
        "between 0 and 1, because weight has 2 rows; found 1 to 2",
    ),
    "a batch that is not taken apart": (ValueError, lambda: F.linear((X, HALF), X), "x, y = batch"),
    "output and state": (ValueError, lambda: F.linear((X, (X, HALF)), X), "output, state = lstm"),
    "values and indices": (TypeError, lambda: F.linear(X.max(1), X), r"max is not a tensor.*\.values or \.indices"),
    "a layer": (TypeError, lambda: F.linear(nn.ReLU(), X), "ReLU is not a tensor.*call it"),
    "shapes that differ": (
        OperandError,
        lambda: X + HALF,
        r"^add: shapes \(2, 3\) and \(2,\) cannot be broadcast: counted from the last",
    ),
    "targets of another shape": (OperandError, lambda: F.mse_loss(X, HALF), "mse_loss: shapes"),
    "classes in a column": (OperandError, lambda: F.cross_entropy(X, COLUMN), r"target\.squeeze\(-1\)"),
    "rows and rows": (OperandError, lambda: X @ X, r"^matmul: shapes \(2, 3\) and \(2, 3\) cannot be multiplied"),
    "a tensor as length": (TypeError, lambda: nn.Linear(X, 2), r"integers, not \(2, <class '.*Tensor'>\)"),
    "a loss of integers": (RuntimeError, lambda: X.argmax().backward(), "int64 has no gradient"),
    "a loss of nothing": (OperandError, lambda: ag.func.grad(lambda x: None)(X), "did it return nothing"),
    "a gradient of integers": (RuntimeError, COLUMN.requires_grad_, r"int64, \.float\(\) converts it"),
    "a loss made of tensors": (TypeError, lambda: nn.CrossEntropyLoss(X, COLUMN), r"nn\.MSELoss\(\)\(input, target\)"),
    "nothing to promote": (TypeError, lambda: F.softmax(None, 0), r"softmax\(\): NoneType is not a tensor"),
    "nothing to join": (TypeError, lambda: ag.cat([None, X]), r"cat\(\): NoneType is not a tensor"),
    "scores of nothing": (TypeError, lambda: F.cross_entropy(None, X), r"cross_entropy\(\): input must be a tensor"),
    "no target": (TypeError, lambda: F.mse_loss(X, None), r"mse_loss\(\): target must be a tensor, not NoneType"),
    "a list": (TypeError, lambda: ag.sort([2, 1]), r"sort\(\): input must be a tensor, not list"),
    "a slope that is learned": (TypeError, lambda: F.leaky_relu(X, wide(0.1, True)), "no gradient can flow to neg"),
    "no tensor": (TypeError, lambda: F.conv2d([1.0], ag.ones(1, 1, 1, 1)), "takes a tensor, not list"),
    "a fraction as length": (TypeError, lambda: ag.zeros(2.5), "integers, not .2.5"),
    "a function to differentiate": (TypeError, lambda: ag.grad(abs, X), r"func\.grad\(function\)"),
    "a number to differentiate": (TypeError, lambda: ag.grad(3.0, X), "a Tensor, or several, not float"),
    "numbers to differentiate": (TypeError, lambda: ag.autograd.backward([X, 3]), "not one of type int"),
    "a letter as axis": (DtypeError, lambda: X.sum(dim="a"), "dim must be an integer, not 'a'"),
    "half an axis": (TypeError, lambda: X.softmax(0.5), "dim must be an integer, not 0.5"),
    "half a power": (TypeError, lambda: X[:, :2].matrix_power(0.5), "n must be an integer, not 0.5"),
    "a letter as stride": (TypeError, lambda: F.max_pool2d(X[None], 2, "a"), "stride must be an integer, or 2 of them"),
    "no statistics": (RuntimeError, lambda: F.batch_norm(X), "needs running_mean and running_var, or training=True"),
    "integer parameters": (
        TypeError,
        lambda: nn.Linear(1, 1).to("int64"),
        "floating-point and complex dtypes, not int",
    ),
    "a number in a product": (OperandError, lambda: X @ wide(2.0), r"shapes \(2, 3\) and \(\)"),
    "a longer axis": (OperandError, lambda: HALF.expand(3), r"expand: shape \(2,\) does not expand to \(3,\)"),
    "batch of integers": (DtypeError, lambda: F.batch_norm(COLUMN, training=True), "not int64; convert them"),
    "a seed for a generator": (TypeError, lambda: ag.rand(2, generator=5), "must be a Generator, .*, not 5"),
    "certainty and more": (OperandError, lambda: zeros(2).bernoulli_(2.0), "between 0 and 1, not 2.0"),
    "text as data": (TypeError, lambda: setattr(zeros(2), "data", "a"), "data must be a Tensor or an array"),
    "a number as data": (TypeError, lambda: setattr(zeros(2), "data", 3.0), "data must be a Tensor or an array"),
    "its own gradient": (RuntimeError, lambda: setattr(HALF, "grad", HALF), "cannot be its own .grad"),
    "a number as a flag": (RuntimeError, lambda: setattr(HALF, "requires_grad", 1), "must be True or False, not 1"),
    "text as a flag": (TypeError, lambda: HALF.requires_grad_("no"), "takes True or False, not 'no'"),
    "an unknown format": (TypeError, lambda: X.clone(memory_format="NHWC"), "'NHWC' is not one of .*channels_last"),
    "an unknown layout": (TypeError, lambda: ag.zeros(2, layout="dense"), "'dense' is not one of the names strided"),
    "a module's format": (TypeError, lambda: nn.ReLU().to(memory_format="NHWC"), "'NHWC' is not one of the names"),
    "part of a derivative": (OperandError, lambda: ag.polygamma(1.5, HALF), "0 or a positive integer, not 1.5"),
    "no neighbours": (OperandError, lambda: F.local_response_norm(X[None], 0), "size must be at least 1 channel"),
    "samples nowhere": (IndexError, lambda: ag.vmap(lambda x: x, out_dims=5)(HALF), "out of range"),
    "nothing to choose": (TypeError, lambda: ag.where(X > 2, X, None), r"where\(\): NoneType is not a tensor"),
    "text for elements": (TypeError, lambda: X.astype("str"), "tensors hold numbers or booleans"),
    "a letter as slope": (DtypeError, lambda: F.leaky_relu(X, "a"), "negative_slope='a'"),
    "a second place to write": (TypeError, lambda: zeros(2).cos_(zeros(2)), r"cos_\(\) takes 0 operands besides"),
    "a quotient as length": (TypeError, lambda: ag.zeros(2, 8 / 2), "integers, not .2, 4.0"),
    "bce input": (OperandError, lambda: F.binary_cross_entropy(X, X), "input must lie in"),
    "bce target": (OperandError, lambda: F.binary_cross_entropy(HALF, HALF * 3), "target must lie in"),
    "bce shapes": (OperandError, lambda: F.binary_cross_entropy(HALF, wide([0.5])), "they must be equal"),
    "delta": (OperandError, lambda: F.huber_loss(X, X, delta=0), "delta must be positive"),
    "beta": (OperandError, lambda: F.smooth_l1_loss(X, X, beta=-1), "must not be negative"),
    "mean of integers": (DtypeError, lambda: whole([1, 2]).mean(), "x.float"),
    "variance of integers": (DtypeError, lambda: whole([1, 2]).var(), "x.float"),
    "maximum of nothing": (OperandError, lambda: zeros(0, 3).max(), "no elements"),
    "argmax of nothing": (IndexError, lambda: zeros(0).argmax(), "no elements"),
    "axis": (IndexError, lambda: X.softmax(2), "dim 2 is out of range for 2 axes"),
    "axis of nothing": (IndexError, lambda: zeros(0, 3).softmax(2), "dim 2 is out of range"),
    "axis of an array": (IndexError, lambda: X.unsqueeze(4), "dim 4 is out of range for 3 axes"),
    "axis of a number": (IndexError, lambda: wide(1.0).sum(dim=(1,)), "dim 1 is out of range for 0 axes"),
    "axis twice": (OperandError, lambda: X.sum(dim=(0, -2)), "appears twice"),
    "missing parameter": (TypeError, lambda: F.softmax(X), "missing the argument 'dim'"),
    "missing operand": (TypeError, lambda: ag.add(X), r"^add\(\) missing .*'other'"),
    "missing exponent": (TypeError, lambda: ag.pow(X), r"power\(\) is missing the argument 'exponent'"),
    "missing sections": (TypeError, X.hsplit, r"hsplit\(\) needs a number of sections"),
    "no sequence": (OperandError, lambda: ag.searchsorted(wide(1.0), wide(2.0)), "must be a vector"),
    "bilinear weight": (OperandError, lambda: F.bilinear(X, X, X), r"takes a weight \(O, I, J\)"),
    "classes without weights": (OperandError, lambda: F.linear_cross_entropy(X, wide(1.0), X), "a weight .C, ..., in"),
    "gather axes": (OperandError, lambda: X.gather(0, whole([0])), "index has 1 axes but the tensor 2"),
    "gather dtype": (OperandError, lambda: X.gather(0, X), "must hold integers"),
    "gather beyond": (OperandError, lambda: X.gather(0, whole([[0] * 4])), "reaches beyond"),
    "scatter beyond": (OperandError, lambda: X.scatter_add(1, COLUMN, zeros(1, 1)), "beyond src"),
    "select by matrix": (IndexError, lambda: X.index_select(0, COLUMN), "must be a vector"),
    "select by mask": (OperandError, lambda: X.index_select(0, ag.tensor([True, False])), "integers, not bool"),
    "along axes": (OperandError, lambda: X.take_along_dim(whole([0]), 0), "as many axes"),
    "narrow start": (IndexError, lambda: X.narrow(1, -4, 1), "start -4 is out of range"),
    "narrow length": (OperandError, lambda: X.narrow(1, 2, 2), "2 elements from 2 do not fit"),
    "narrow number": (OperandError, lambda: wide(1.0).narrow(0, 0, 1), "with axes"),
    "mask dtype": (OperandError, lambda: X.masked_select(whole([0, 1, 1])), "must hold booleans"),
    "mask shape": (OperandError, lambda: X.masked_select(ag.tensor([True, False])), "broadcast"),
    "index dtype": (IndexError, lambda: X[wide([0.0])], "integers or booleans"),
    "index range": (IndexError, lambda: X[5], r"tensor of shape \(2, 3\), index 5"),
    "empty list": (OperandError, lambda: ag.cat([]), "the list is empty"),
    "no list": (TypeError, lambda: ag.stack(X), "list or tuple of tensors"),
    "hstack of nothing": (OperandError, lambda: ag.hstack([]), "the list is empty"),
    "split size": (OperandError, lambda: X.split(0), "positive size"),
    "split sum": (OperandError, lambda: X.split([1, 3], dim=1), "do not add up"),
    "split below 0": (OperandError, lambda: X.split([-1, 4], dim=1), "do not add up"),
    "chunks": (OperandError, lambda: X.chunk(0), "positive number of chunks"),
    "chunk of a number": (OperandError, lambda: wide(1.0).chunk(2), "with axes"),
    "einsum count": (OperandError, lambda: ag.einsum("ij,j", X), "names 2 operands but 1"),
    "einsum rank": (OperandError, lambda: ag.einsum("ijk", X), "does not fit an operand"),
    "einsum output": (OperandError, lambda: ag.einsum("ij->ii", X), "repeats a letter"),
    "einsum unknown": (OperandError, lambda: ag.einsum("ij->k", X), "uses one that no operand has"),
    "einsum lengths": (OperandError, lambda: ag.einsum("ij,jk", X, X), "'j' stands for lengths 3 and 2"),
    "einsum diagonal": (OperandError, lambda: ag.einsum("ii", X), "lengths 2 and 3 of one operand"),
    "einsum type": (TypeError, lambda: ag.einsum("i,i", HALF, 2.0), "takes tensors, not float"),
    "channels last": (OperandError, lambda: F.conv2d(zeros(4, 4, 3), zeros(1, 3, 2, 2)), r"movedim\(-1, -3\)"),
    "too large a window": (OperandError, lambda: F.conv1d(X, zeros(1, 2, 4)), r"stride=\(1,\), padding=\(0,\), dil"),
    "kernel axes": (OperandError, lambda: F.conv1d(X, X), "takes kernels"),
    "image axes": (OperandError, lambda: F.conv2d(X, zeros(1, 1, 2, 2)), "without a batch"),
    "channels": (OperandError, lambda: F.conv1d(X, zeros(4, 3, 1)), "has 2 channels"),
    "groups": (OperandError, lambda: F.conv1d(X, zeros(3, 1, 1), groups=2), "groups=2"),
    "stride": (OperandError, lambda: F.conv1d(X, zeros(1, 2, 1), stride=0), "must be positive"),
    "strides": (OperandError, lambda: F.conv1d(X, zeros(1, 2, 1), stride=(1, 1)), "does not fit 1 spatial"),
    "same with stride": (OperandError, lambda: F.conv1d(X, zeros(1, 2, 1), stride=2, padding="same"), "stride 1"),
    "padding": (OperandError, lambda: F.conv1d(X, zeros(1, 2, 1), padding="x"), "'valid' or 'same'"),
    "conv bias": (OperandError, lambda: F.conv1d(X, zeros(1, 2, 1), zeros(2)), r"bias must have shape \(1,\)"),
    "pool axes": (OperandError, lambda: F.max_pool2d(X, 2), "without a batch"),
    "pool padding": (OperandError, lambda: F.avg_pool1d(X, 2, padding=2), "at most half"),
    "pool without a window": (OperandError, lambda: F.avg_pool1d(X, 0), r"kernel_size \(0,\) must be positive"),
    "pool padding below 0": (OperandError, lambda: F.max_pool1d(X, 2, padding=-1), "at most half"),
    "pool divisor": (OperandError, lambda: F.avg_pool2d(zeros(1, 2, 2), 2, divisor_override=0), "must not be 0"),
    "pool kernel": (OperandError, lambda: F.avg_pool1d(X, (2, 2)), "does not fit 1 spatial"),
    "t": (OperandError, lambda: zeros(1, 2, 3).t(), "at most 2 axes"),
    "mT": (OperandError, lambda: HALF.mT, "last two axes"),
    "flatten": (OperandError, lambda: X.flatten(1, 0), "comes after"),
    "permute": (OperandError, lambda: zeros(1, 2, 3).permute(0, 1), "name each of the 3 axes once"),
    "permute beyond": (IndexError, lambda: X.permute(0, 2), "out of bounds|out of range"),
    "movedim": (OperandError, lambda: X.movedim((0, 1), (0,)), "2 axes cannot move to 1"),
    "reshape": (OperandError, lambda: X.reshape(4, -1), r"size 6 into shape \(4,-1\) .*shape=\(4"),
    "pad widths": (OperandError, lambda: F.pad(X, (1, 1, 1)), "at most 2 axes"),
    "pad crop": (OperandError, lambda: F.pad(X, (-2, -2)), "crops more"),
    "pad mode": (NotImplementedError, lambda: F.pad(X, (1, 1), mode="mirror"), "is not one of"),
    "pad reflect": (OperandError, lambda: F.pad(X, (3, 0), mode="reflect"), "too wide"),
    "pad nothing": (OperandError, lambda: F.pad(zeros(0, 2), (0, 0, 1, 0), mode="replicate"), "length 0"),
    "dot": (OperandError, lambda: ag.dot(X, X), "takes vectors"),
    "lengths of dot": (OperandError, lambda: ag.dot(X[0], HALF), "dot: shapes .3,. and .2,.: the last axis meets"),
    "mm": (OperandError, lambda: ag.mm(X, HALF), "of 2 and 2 axes"),
    "bmm": (OperandError, lambda: ag.bmm(zeros(2, 1, 1), zeros(3, 1, 1)), "of equal length"),
    "matmul by a number": (TypeError, lambda: X @ 2, "matmul"),
    "linear without flatten": (OperandError, lambda: F.linear(zeros(2, 4, 3), zeros(1, 12)), r"input\.flatten\(1\)"),
    "linear of numbers": (OperandError, lambda: F.linear(zeros(5), zeros(2, 1)), r"input\.unsqueeze\(1\)"),
    "linear weight": (OperandError, lambda: F.linear(X, zeros(1, 4, 3)), r"shape \(out, in\) or \(in\)"),
    "linear bias": (OperandError, lambda: F.linear(X, zeros(4, 3), zeros(3, 1, 4)), "does not fit a result"),
    "integer division": (OperandError, lambda: whole([1, 2]) // whole([0, 1]), "division by zero"),
    "integer remainder": (OperandError, lambda: whole([1, 2]) % 0, "division by zero"),
    "integer fmod": (OperandError, lambda: ag.fmod(7, whole([0])), "division by zero"),
    "rounding mode": (OperandError, lambda: X.div(2, rounding_mode="up"), "'floor' or 'trunc'"),
    "a number that wraps to 0": (OperandError, lambda: ag.ones(2, dtype="uint8") // 256, "division by zero"),
    "a number out of range": (OperandError, lambda: ag.ones(2, dtype="uint8") ** 300, "out of bounds for uint8"),
    "too large a number": (OperandError, lambda: ag.ones(2, dtype="int64") + 2**70, "more than 64 bits"),
    "a number to fill in": (OperandError, lambda: ag.ones(2, dtype="uint8").fill_(300), "300 out of bounds for uint8"),
    "infinity to fill in": (OperandError, lambda: ag.ones(2, dtype="int64").fill_(math.inf), "float infinity"),
    "NaN to write": (OperandError, lambda: operator.setitem(ag.ones(2, dtype="int64"), 0, math.nan), "float NaN"),
    "a float to write": (OperandError, lambda: operator.setitem(ag.ones(2, dtype="int8"), 0, 3e2), "300 out of bounds"),
    "a number to create": (OperandError, lambda: ag.full((2,), 300, dtype="uint8"), "out of bounds for uint8"),
    "too long an axis": (OperandError, lambda: ag.zeros(2**63), "Maximum allowed dimension"),
    "too many numbers": (RuntimeError, lambda: ag.zeros(2**50), r"zeros\(\): .*try a smaller batch"),
    "too many draws": (MemoryError, lambda: ag.randn(2**50), r"randn\(\): .*try a smaller batch"),
    "vander": (OperandError, lambda: ag.vander(ag.ones(2), -1), "no negative N"),
    "clamp": (OperandError, X.clamp, "give min, max or both"),
    "no operand": (TypeError, lambda: ag.logical_xor(X, None), "logical_xor"),
    "gelu": (OperandError, lambda: F.gelu(X, approximate="erf"), "'none' or 'tanh'"),
    "hardtanh of booleans": (DtypeError, lambda: F.hardtanh(ag.tensor([True])), "takes no booleans"),
    "hardtanh": (OperandError, lambda: F.hardtanh(X, 1.0, -1.0), "is above"),
    "softshrink": (OperandError, lambda: F.softshrink(X, -1.0), "negative"),
    "prelu": (OperandError, lambda: F.prelu(X, HALF), r"needs \(1,\) or \(3,\)"),
}


def test_a_tensor_of_one_number_is_taken_for_a_number():
    x = wide([-1.0, 2.0], requires_grad=True)
    for function, number in ((F.leaky_relu, 0.25), (F.elu, 0.5), (ag.norm, 3.0), (ag.softmax, 0)):
        expected, found = function(x, number), function(x, ag.tensor(number))
        assert found.tolist() == expected.tolist()
        assert ag.grad(found.sum(), x)[0].tolist() == ag.grad(expected.sum(), x)[0].tolist()


class One:
    """An integer that is none of Python's."""

    def __index__(self):
        return 1


COUNTS = {
    "sum": lambda k: X.sum((k,)),
    "squeeze": lambda k: X.unsqueeze(1).squeeze(k),
    "flip": X.flip,
    "narrow": lambda k: X.narrow(1, k, k),
    "chunk": lambda k: X.chunk(k)[0],
    "topk": lambda k: X.topk(k).values,
    "kthvalue": lambda k: X.kthvalue(k).values,
    "roll": lambda k: X.roll(k, 0),
    "rot90": X.rot90,
    "tril": X.tril,
    "pad": lambda k: F.pad(X, (k, 0)),
    "repeat_interleave": X.repeat_interleave,
    "max_pool1d": lambda k: F.max_pool1d(X, k),
    "brackets": lambda k: X[k],
    "layer norm": lambda k: nn.LayerNorm(k).weight,
}


@pytest.mark.parametrize("use", COUNTS.values(), ids=list(COUNTS))
def test_integers_are_whatever_python_takes_for_one(use):
    expected = use(1).tolist()
    for one in (np.int64(1), np.uint8(1), ag.tensor(1), One()):
        assert use(one).tolist() == expected, one
    for wrong in (1.5, np.float32(1), ag.tensor(1.0), "1"):
        with pytest.raises((TypeError, IndexError, OperandError)):
            use(wrong)


def test_errors_of_the_array_library_carry_the_operation():
    with pytest.raises(IndexError) as raised:
        X.sum(dim=2)
    assert raised.value.__notes__ == ["in sum [input: float64 (2, 3), dim=2]"]


ROWS = ag.ones(2, 3)
STRANGE = {
    "dtype": (TypeError, lambda: ag.zeros(3, dtype="floaty"), "expected a dtype, such as float32, not 'floaty'"),
    "dtype in a context": (TypeError, lambda: ag.autocast("cpu", dtype="bf16"), "such as float32, not 'bf16'"),
    "second argument of tensor": (TypeError, lambda: ag.tensor(1.0, 2.0), "expected a dtype, .* not 2.0"),
    "number of an operation": (TypeError, lambda: ROWS.clamp("0"), "clamp: min takes numbers, not '0'"),
    "number of a function": (TypeError, lambda: ROWS.split("1"), r"split\(\): split_size_or_sections takes numbers"),
    "integer of a function": (TypeError, lambda: ROWS.chunk("2"), r"chunk\(\): chunks takes integers, not '2'"),
    "number of a range": (TypeError, lambda: ag.arange("5"), r"arange\(\): start takes numbers, not '5'"),
    "integer of random numbers": (TypeError, lambda: ag.randint("5", (2,)), "takes integers, not '5'"),
    "shape": (TypeError, lambda: ROWS.reshape(2.0, 3), r"shape takes integers, not \(2.0, 3\)"),
    "shifts": (TypeError, lambda: ag.roll(ROWS, "a"), "shifts takes integers, not 'a'"),
    "number for a matrix": (TypeError, lambda: ROWS @ 2, "matmul: other must be a tensor, not int"),
    "dtype of bits": (TypeError, lambda: ROWS & ROWS, "bitwise_and: not defined for float32"),
    "axis": (IndexError, lambda: ROWS.sum(5), "^dim 5 is out of range for 2 axes"),
    "axis of a list": (IndexError, lambda: ag.cat([ROWS, ROWS], dim=2), "^dim 2 is out of range for 2 axes"),
    "points": (RuntimeError, lambda: ag.fft.fft(ROWS, n=-1), "cannot transform -1 points"),
    "no size": (TypeError, lambda: ag.randint(5), "high or size is missing"),
    "seed": (RuntimeError, lambda: ag.manual_seed("a"), "a seed is an integer, not 'a'"),
    "numel": (TypeError, lambda: ag.numel(3), "input must be a tensor"),
    "mode": (TypeError, lambda: ag.set_grad_enabled("no"), "True or False, not 'no'"),
    "order of einsum": (TypeError, lambda: ag.einsum(ROWS, "ij"), "the equation first"),
    "sample shape": (TypeError, lambda: ag.distributions.Normal(0.0, 1.0).sample(3), r"such as \(3,\), not 3"),
    "dropout": (TypeError, lambda: nn.Dropout("0.5"), "a number between 0 and 1, not '0.5'"),
    "dropout of a tensor": (TypeError, lambda: nn.Dropout(X), "a number between 0 and 1, not tensor"),
    "channels": (TypeError, lambda: nn.Conv2d("3", 4, 3), "in_channels must be an integer, not '3'"),
    "heads": (TypeError, lambda: nn.MultiheadAttention("4", 2), "are integers, not '4' and 2"),
    "module for a list": (TypeError, lambda: nn.ModuleList(nn.ReLU()), r"takes a list of modules.*write \[module\]"),
    "list for a dict": (TypeError, lambda: nn.ModuleDict([nn.ReLU()]), "a list goes into ModuleList"),
    "norm": (TypeError, lambda: nn.utils.clip_grad_norm_(X, None), "max_norm must be a number, not None"),
}


@pytest.mark.parametrize("error, call, says", STRANGE.values(), ids=STRANGE)
def test_an_argument_of_a_wrong_type_is_named(error, call, says):
    with pytest.raises(error, match=says):
        call()


@pytest.mark.parametrize("error, call, says", WRONG.values(), ids=WRONG)
def test_wrong_operands_are_named(error, call, says):
    with pytest.raises(error, match=says):
        call()


REGISTRATIONS = {
    "no rule": (lambda: op(ELEMENTWISE)(lambda xp, x: x), "has no rule"),
    "too few rules": (lambda: op(BINARY, vjp=lambda xp, g: g)(lambda xp, a, b: a), "has 2 inputs .* but 1 rules"),
    "composite keeps more": (
        lambda: op(ELEMENTWISE, joint=lambda xp, g, x, needs: (g,), composite=lambda xp, g, y: (g,))(lambda xp, x: x),
        r"names \['y'\], which the fast rule does not save",
    ),
}


@pytest.mark.parametrize("register, says", REGISTRATIONS.values(), ids=REGISTRATIONS)
def test_an_inconsistent_entry_is_refused(register, says):
    with temporary_ops(), pytest.raises(TypeError, match=says):
        register()


def test_a_rule_may_only_name_what_there_is():
    with temporary_ops():
        named = op(ELEMENTWISE, vjp=lambda xp, g, z: g)(lambda xp, x: x * 1)
        with pytest.raises(TypeError, match="names 'z', which is not an input"):
            named(wide(1.0, requires_grad=True))


@pytest.mark.parametrize("name", ["add", "mul", "multiply", "sub", "div", "atan2", "maximum", "eq"])
def test_none_as_an_operand_is_named(name):
    function, x = getattr(ag, name), ag.ones(2)
    for call in (lambda: function(x, None), lambda: function(None, x), lambda: getattr(x, name)(None)):
        with pytest.raises(TypeError, match="NoneType is not a tensor, an array or a number"):
            call()


@pytest.mark.parametrize("function", [ag.block_diag, ag.cartesian_prod, ag.broadcast_tensors])
@pytest.mark.parametrize("wrong", [1, 2.5, {}])
def test_one_of_many_operands_that_is_no_tensor_is_named(function, wrong):
    with pytest.raises(TypeError, match=rf"argument 2 must be a tensor, not {type(wrong).__name__}"):
        function(ag.ones(2), wrong)
