"""What the generated suite cannot express of reductions, scans, sorting and counting: ties, NaN, warnings, errors."""

import itertools
import math

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import linalg
from autograd_core.errors import DtypeError, OperandError
from autograd_core.testing import gradcheck

NAN = math.nan


def f64(*values):
    return ag.tensor(values, dtype="float64")


def test_sorting_keeps_the_order_of_equal_elements_and_puts_nan_last():
    x = f64(2, NAN, 1, 2, 1)
    assert x.argsort().tolist() == [2, 4, 0, 3, 1]
    assert x.argsort(descending=True).tolist() == [1, 0, 3, 2, 4]
    assert f64(2, 1, 2, 1, 2).topk(3).indices.tolist() == [0, 2, 4]
    assert math.isnan(x.topk(1).values.item())
    assert x.topk(2, largest=False).values.tolist() == [1, 1]


@pytest.mark.parametrize("dim", [0, 1])
def test_the_one_largest_is_the_first_of_equals_and_of_nan(dim):
    x = f64([2, NAN, 3], [2, NAN, 3], [1, 5, NAN], [2, 5, NAN])
    values, indices = x.topk(1, dim)
    order = x.argsort(dim, descending=True).narrow(dim, 0, 1)
    assert indices.tolist() == order.tolist()
    np.testing.assert_array_equal(values.numpy(), x.gather(dim, order).numpy())


@pytest.mark.parametrize("length", [9, 200])
@pytest.mark.parametrize("largest", [True, False])
def test_the_topmost_of_short_and_long_rows_are_found(length, largest):
    x = np.random.default_rng(0).permuted(np.arange(3 * length).reshape(3, length), axis=1)
    found = ag.tensor(x).topk(7, largest=largest)
    expected = np.argsort(-x if largest else x, axis=1)[:, :7]
    assert found.indices.tolist() == expected.tolist()
    assert found.values.tolist() == np.take_along_axis(x, expected, 1).tolist()


def test_the_nanmedian_of_integers_is_where_their_median_is():
    x = ag.tensor([7, 4, 4, 9, 4])
    assert x.nanmedian(0).indices == x.median(0).indices


def test_the_gradient_between_samples_is_one_difference():
    rises = ag.gradient(f64(2, -2, math.inf, math.inf, 3, math.inf))[0]
    np.testing.assert_array_equal(rises.numpy(), [-4, math.inf, math.inf, -math.inf, NAN, math.inf])


def test_results_have_pytorchs_names():
    x = f64(3, 1, 2)
    calls = {"sort": (), "topk": (2,), "kthvalue": (2,), "mode": ()}
    for name, given in {**calls, **dict.fromkeys(("median", "nanmedian", "cummax", "cummin"), (0,))}.items():
        result = getattr(ag, name)(x, *given)
        assert result._fields == ("values", "indices"), name
        np.testing.assert_array_equal(x[result.indices].numpy(), result.values.numpy())
    assert (x.aminmax().min.item(), x.aminmax().max.item()) == (1, 3)
    assert x.histogram(2)._fields == ("hist", "bin_edges")
    assert x.histogram(density=True).hist.shape == (100,)
    assert x.histogram(2, range=(1.5, 1.5)).bin_edges.tolist() == [1, 1.5, 2]


def test_running_extremes_take_the_last_of_equals_and_every_nan():
    assert f64(1, 1, 0, 2).cummax(0).indices.tolist() == [0, 1, 1, 3]
    assert f64(1, 1, 2, 0).cummin(0).indices.tolist() == [0, 1, 1, 3]
    values, indices = f64(1, NAN, 2, NAN).cummax(0)
    assert indices.tolist() == [0, 1, 1, 3]
    assert np.isnan(values.numpy()).tolist() == [False, True, True, True]


def test_float32_sums_run_in_float64():
    x = ag.full((1000,), 0.1, dtype="float32")
    exact = np.float32(0.1).astype(float) * 1000
    assert x.cumsum(0)[-1].item() == np.float32(exact)
    assert x.cumsum(0, dtype="float16")[-1].item() == np.float16(np.float16(0.1).astype(float) * 1000)


def test_a_long_scan_is_differentiated_in_linear_time():
    x = ag.full((100_000,), 1.0, dtype="float64", requires_grad=True)
    x.cumprod(0)[-1].backward()
    assert (x.grad == 1).all()


def test_mode_and_median_of_ties_and_nan():
    assert f64(2, 1, 2, 1, 3).mode() == (1, 3)
    assert f64(1, NAN, NAN).median(0).indices.item() == 1
    assert f64(NAN, NAN).nanmedian(0).indices.item() == 0
    assert math.isnan(f64().median().item())


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_one_observation_has_no_spread_and_says_so():
    for function in (ag.var, ag.std, ag.std_mean, lambda x: x.reshape(1, 1).cov()):
        with pytest.warns(UserWarning, match="degrees of freedom"):
            function(f64(5))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
@pytest.mark.parametrize("mean, scale", [(0, 1), (1000, 1), (1, 2.0**-20), (3e-3, 1e-9), (-1e4, 1e-2)])
@pytest.mark.parametrize("shape", [(4, 7), (40, 300)], ids=str)
def test_variances_of_nearly_equal_numbers(shape, mean, scale, dtype):
    x = ag.tensor(mean + scale * np.random.default_rng(0).standard_normal(shape), dtype=dtype)
    exact = x.numpy().astype("longdouble" if dtype != "complex64" else "complex128")
    for dim in (0, 1, None):
        found, spread = x.var(dim), x.std(dim)
        assert found.dtype == spread.dtype == x.real.dtype
        tolerance = 4 * ag.finfo(found.dtype).eps
        np.testing.assert_allclose(found.numpy(), exact.var(dim, ddof=1), rtol=tolerance)
        np.testing.assert_allclose(spread.numpy(), exact.std(dim, ddof=1), rtol=tolerance)


@pytest.mark.parametrize("scale", [1e-30, 1e25])
@pytest.mark.parametrize("shape", [(4, 7), (40, 300)], ids=str)
def test_deviations_whose_squares_do_not_fit_float32(shape, scale):
    x = ag.tensor(scale * np.random.default_rng(0).standard_normal(shape), dtype="float32")
    np.testing.assert_allclose(x.std(1).numpy(), x.double().std(1).numpy(), rtol=3e-7)


def test_weighted_covariance():
    x, a = np.random.default_rng(0).normal(size=(3, 5)), np.array([0.5, 1, 0.25, 2, 1])
    f = np.array([1, 3, 0, 2, 1])
    y = ag.tensor(x).cov(fweights=ag.tensor(f), aweights=ag.tensor(a))
    np.testing.assert_allclose(y.numpy(), np.cov(x, fweights=f, aweights=a), rtol=1e-12)
    assert gradcheck(lambda x, a: x.cov(aweights=a), [ag.tensor(v, requires_grad=True) for v in (x, a)])


def test_histograms_of_nothing():
    nothing = ag.tensor([], dtype="int64")
    counts = nothing.bincount(ag.tensor([]), minlength=2)  # integers, as PyTorch counts nothing
    assert (counts.dtype, counts.tolist()) == (ag.int64, [0, 0])
    for shape in ((3, 0), (0, 0), (2, 3, 0)):
        for bins in ([], 5):
            hist, edges = ag.histogramdd(ag.zeros(shape), bins)
            assert (hist.shape, hist.item(), edges) == ((), 0.0, ())


def test_weights_of_bincount_get_a_gradient():
    weights = ag.tensor([0.5, 1.0, 2.0], requires_grad=True)
    y = ag.tensor([1, 1, 3]).bincount(weights)
    assert y.tolist() == [0, 1.5, 0, 2]
    (y * ag.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
    assert weights.grad.tolist() == [2, 2, 4]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint64", "float32"])
@pytest.mark.parametrize("low, high", [(0, 7), (-128, 128), (-(2**62), 2**62), (2**63 + 1, 2**63 + 9)])
def test_unique_numbers_of_short_and_long_ranges(dtype, low, high):
    """Those of short ranges are counted, not sorted."""
    numbers = np.random.default_rng(0).integers(low, high, (20, 15), np.uint64 if high > 2**63 else np.int64)
    x = numbers.astype(dtype)
    expected = np.unique(x, return_inverse=True, return_counts=True)
    for inverse, counts in itertools.product((False, True), repeat=2):
        found = ag.tensor(x).unique(return_inverse=inverse, return_counts=counts)
        wanted = [expected[0], *[expected[1]] * inverse, *[expected[2]] * counts]
        for a, b in zip(found if inverse or counts else [found], wanted, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a.numpy(), b)


def test_every_nan_is_unique():
    values, inverse, counts = f64(3, NAN, 1, NAN, 1).unique(return_inverse=True, return_counts=True)
    assert values.tolist()[:2] == [1, 3]
    assert np.isnan(values.numpy()).tolist() == [False, False, True, True]
    assert inverse.tolist()[0] == 1
    assert counts.tolist() == [2, 1, 1, 1]


def test_searching_rows_agrees_with_searching_one():
    rows, x = np.sort(np.random.default_rng(0).integers(0, 5, (2, 6)), 1), np.arange(-1, 7)
    for right in (False, True):
        found = ag.searchsorted(ag.tensor(rows), ag.tensor(np.stack([x, x])), right=right).tolist()
        assert found == [np.searchsorted(r, x, "right" if right else "left").tolist() for r in rows]
    assert ag.searchsorted(f64(1, NAN), f64(NAN, 0)).tolist() == [1, 0]
    assert ag.bucketize(ag.arange(3), f64(0.5, 1.5)).tolist() == [0, 1, 2]
    assert ag.bucketize(3, ag.tensor([1, 3, 5])).item() == 1


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "logcumsumexp", "prod"])
def test_gradients_of_long_rows_of_bfloat16_are_rounded_few_times(name):
    rng = np.random.default_rng(0)
    x = ag.tensor(1 + rng.choice([-1, 1], (2, 3000)) / 128, dtype="bfloat16", requires_grad=True)
    wide = x.detach().double().requires_grad_()
    y, expected = getattr(x, name)(dim=1), getattr(wide, name)(dim=1)
    seed = ag.tensor(rng.uniform(1, 2, y.shape), dtype="bfloat16")
    (g,), (exact,) = ag.grad(y, x, seed), ag.grad(expected, wide, seed.double())
    assert ((g.double() - exact).abs() <= 3 / 256 * exact.abs() + 1e-30).all()


def test_norms_of_float16_do_not_overflow():
    x = ag.tensor([30000.0, 40000.0], dtype="float16")
    assert x.norm().item() == np.float16(50000)
    assert x.norm(3, dtype="float64").item() == pytest.approx((3e4**3 + 4e4**3) ** (1 / 3))


def test_distances_by_products_are_close_to_exact_ones():
    a, b = (ag.tensor(np.random.default_rng(k).normal(size=(30, 4))) for k in range(2))
    quick = ag.cdist(a, b, compute_mode="use_mm_for_euclid_dist")
    np.testing.assert_allclose(quick.numpy(), ag.cdist(a, b).numpy(), rtol=1e-10)


@pytest.mark.parametrize("p", [0.0, 0.5, 2.0, 3.0, math.inf])
def test_distances_without_a_value(p):
    x = ag.tensor([[math.inf, 1.0], [math.inf, 1.0], [0.0, 2.0]], dtype=ag.float64)
    first = math.inf if p else 2.0
    np.testing.assert_array_equal(ag.pdist(x, p), [math.nan, first, first])
    np.testing.assert_array_equal(ag.cdist(x, x[:1], p)[:, 0], [math.nan, math.nan, first])


@pytest.mark.parametrize("count", [0, 30])
def test_distances_of_many_rows_of_which_some_are_near(count):
    rng = np.random.default_rng(0)
    x, near = rng.standard_normal((30, 7)).astype(np.float32), slice(count)
    y = np.concatenate([x[near] * np.float32(1 + 1e-6), x[near], rng.standard_normal((35, 7)).astype(np.float32)])
    found = ag.cdist(ag.tensor(x), ag.tensor(y)).numpy()
    exact = np.sqrt(((x[:, None].astype(float) - y) ** 2).sum(-1))
    np.testing.assert_allclose(found, exact, rtol=1e-7)


@pytest.mark.parametrize("width", [1, 3, 9])
def test_distances_of_many_rows_of_any_size(width):
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((n, width)).astype(np.float32) for n in (70, 600))
    for k, factor in enumerate((1e25, 1e-25, 1e-44, 0)):
        x[k * 9 : k * 9 + 9] *= np.float32(factor)
    y[:40], y[50, 0], y[60, 0] = x[:40], np.inf, np.nan
    found, exact = (ag.cdist(*(ag.tensor(v, dtype=dtype) for v in (x, y))) for dtype in ("float32", "float64"))
    np.testing.assert_allclose(found.numpy(), exact.numpy(), rtol=3e-7, atol=1e-45)


@pytest.mark.parametrize("shapes", [((70, 3), (600, 3)), ((2, 1, 300, 9), (4, 300, 9))])
def test_gradients_of_distances_of_many_rows(shapes):
    x, y = (ag.randn(*shape) for shape in shapes)
    y[..., :5, :] = x[..., :5, :].flatten(0, -3)[0] if x.ndim > 2 else x[:5]
    weights = ag.randn(*ag.cdist(x, y).shape)
    operands = [[v.detach().to(dtype).requires_grad_() for v in (x, y)] for dtype in ("float32", "float64")]
    narrow, wide = (ag.grad((ag.cdist(*pair) * weights).sum(), pair) for pair in operands)
    for one, other in zip(narrow, wide, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-5, atol=1e-4)


def test_gradient_of_unevenly_spaced_samples():
    x = np.array([0.0, 0.5, 2.0, 3.0])
    (slope,) = ag.gradient(ag.tensor(x**2), spacing=[ag.tensor(x)], edge_order=2)
    np.testing.assert_allclose(slope.numpy(), 2 * x, atol=1e-12)


REFUSED = {
    IndexError: (
        "ag.zeros(0, 3).max(0)",
        "ag.zeros(0, 3).argmax(0)",
        "ag.zeros(0).argmax()",
        "ag.zeros(0, 3).median(0)",
        "ag.zeros(0).mode()",
        "ag.trapezoid(x.sum())",
        "x.cumsum(2)",
    ),
    OperandError: (
        "ag.zeros(0).max()",
        "ag.zeros(0).amax()",
        "x.kthvalue(4)",
        "x.kthvalue(0)",
        "x.topk(4)",
        "x.quantile(1.5)",
        'x.quantile(0.5, interpolation="cubic")',
        "ag.zeros(0).quantile(0.5)",
        'x.norm("bad")',
        "linalg.vector_norm(ag.zeros(0), math.inf)",
        "x[0].renorm(2, 0, 1.0)",
        "x.renorm(0, 0, 1.0)",
        "ag.cdist(x, x[:, :2])",
        "ag.cdist(x, x, p=-1)",
        "ag.pdist(x[0])",
        "x.diff(n=-1)",
        "x.sum().diff()",
        "ag.gradient(x, spacing=[1.0])",
        "ag.gradient(x, edge_order=3)",
        "ag.gradient(x[:1])",
        "ag.trapezoid(x, x[0, :2])",
        "ag.searchsorted(x, x[:1])",
        'ag.searchsorted(x[0], x, side="left", right=True)',
        "ag.bucketize(x, x)",
        "x.bincount()",
        "(-whole).bincount()",
        "whole.bincount(x)",
        "x.histc(0)",
        "x.histc(2, 3, 1)",
        "(x / 0).histogram(3)",
        "x.cov(fweights=ag.tensor([1, 2]))",
        "x.cov(fweights=ag.tensor([1, 2, -1]))",
        "x.cov(aweights=whole)",
    ),
    TypeError: ("ag.max(2, x)", 'linalg.vector_norm(x, "fro")', "ag.trapezoid(x, x, dx=1.0)"),
    DtypeError: (
        "whole.quantile(0.5)",
        "whole.std()",
        "whole.nanmean()",
        "whole.norm()",
        'x.norm(dtype="float16")',
        "whole.histc(2)",
    ),
    ValueError: ('ag.cdist(x, x, compute_mode="fast")',),
}


@pytest.mark.parametrize(
    "error, expression", [(error, expression) for error, some in REFUSED.items() for expression in some]
)
def test_refused(error, expression):
    names = {"ag": ag, "linalg": linalg, "math": math, "x": ag.ones(2, 3), "whole": ag.ones(3, dtype="int64")}
    with pytest.raises(error):
        eval(expression, names)


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_nan_is_found_behind_all_numbers(dtype):
    x, among = (ag.tensor(v, dtype=dtype) for v in ([0.0, -1.0, 2.0, np.nan], [np.nan, 0.0, 1.0, -1.0]))
    assert ag.isin(x, among).tolist() == [True, True, False, False]
    assert ag.searchsorted(ag.tensor([-1.0, 0.0, 2.0], dtype=dtype), among).tolist() == [3, 1, 2, 0]


def test_the_median_of_nothing_is_nan_for_floats_alone():
    assert math.isnan(ag.zeros(0, 3).median().item())
    with pytest.raises(OperandError, match="of no elements"):
        ag.zeros(0, 3, dtype="int64").nanmedian()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_the_variance_of_a_computed_number(dtype):
    x = ag.tensor(3.0, dtype=dtype, requires_grad=True)
    y = (x * 2).var(dim=-1, correction=0)
    y.backward()
    assert (y.item(), y.dtype, x.grad.item()) == (0, x.dtype, 0)


@pytest.mark.parametrize("dim, sums", [(None, NAN), (0, [math.inf, -math.inf, 0]), (1, [0, 0, NAN, 3])])
def test_sums_without_nan_keep_what_infinities_make(dim, sums):
    x = ag.tensor([[NAN, NAN, NAN], [NAN, NAN, 0], [math.inf, -math.inf, NAN], [1, 2, NAN]], requires_grad=True)
    y = ag.nansum(x, dim)
    np.testing.assert_array_equal(y.detach().numpy(), sums)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), ~x.isnan().numpy())


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int32", "bfloat16", "float16"])
def test_sums_to_a_shape_are_sums(dtype):
    x = ag.ones(300, 2, dtype=dtype)
    y, expected = x.sum_to_size(1, 2), x.sum(0, keepdim=True)
    assert y.dtype == expected.dtype
    assert y.tolist() == expected.tolist() == [[300, 300]]


def test_sums_without_nan_as_integers():
    assert ag.nansum(ag.tensor([1.5, NAN, 2.5]), dtype=ag.int64).item() == 3
