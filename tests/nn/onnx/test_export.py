"""Exported models, run by ONNX Runtime."""

import io

import numpy as np
import onnx
import onnxruntime
import pytest

import autograd_core as ag
import nn
import nn.functional as F
from autograd_core.errors import TracingError
from autograd_core.trees import leaves
from nn import models
from nn.onnx import export

rng = np.random.default_rng(7)
POSITIONS = ag.tensor([[[0] * 6], [[1] * 6]])
POINTS = ag.from_numpy(rng.uniform(-1, 1, (2, 3, 3, 2)).astype(np.float32))
KERNEL, MATRIX = (ag.from_numpy(rng.standard_normal(s).astype(np.float32)) for s in ((4, 3, 3), (3, 6)))


def _normal(*shape):
    return ag.from_numpy(rng.standard_normal(shape).astype(np.float32))


X, IMAGES = _normal(2, 4, 6), _normal(2, 3, 8, 8)


def _in_place(x):
    y = x * 2
    y += 1
    return y.relu_().clamp_(0, 1)


def _pooled(x):
    options = {"kernel_size": 3, "stride": 2, "padding": 1}
    means = F.avg_pool2d(x, **options), F.avg_pool2d(x, **options, count_include_pad=False)
    largest = F.max_pool2d(x, **options, ceil_mode=True), F.max_pool2d(x, 2, dilation=2), F.adaptive_max_pool2d(x, 3)
    further = F.avg_pool2d(x, 2, divisor_override=3), F.adaptive_avg_pool2d(x, (3, 5)), F.adaptive_avg_pool2d(x, 1)
    return *means, *largest, *further


FUNCTIONS = {
    "arithmetic": lambda x: ((x + 1) * 2 - x / 3 + x**2, 2 - x, 2**x, x // 0.3, x % 0.3, -x, abs(x)),
    "integers": lambda x: (x.long() // 2, x.long() % 3, x.long() * 2, (x > 0).sum(1), x.int().clamp(min=0)),
    "exponentials": lambda x: (x.exp(), x.expm1(), (x / 1e4).expm1(), x.exp2(), (x.abs() + 1).log2()),
    "logarithms": lambda x: ((x.abs() + 0.1).log(), (x / 1e4).log1p(), (x.abs() * 9).log1p(), (x.abs() + 1).log10()),
    "roots": lambda x: (x.abs().sqrt(), (x.abs() + 1).rsqrt(), 1 / (2 + x.abs()), x.square()),
    "rounding": lambda x: (x.round(), x.round(decimals=1), x.trunc(), x.floor(), x.ceil(), x.sign(), x.fmod(0.3)),
    "quotients": lambda x: [y.div(2, rounding_mode=mode) for y in (x, x.long()) for mode in ("floor", "trunc")],
    "tests": lambda x: (x != 0, (x > 0) & (x < 1), ~(x >= 0), x.isnan() | x.isfinite(), ag.logical_xor(x > 0, x)),
    "choices": lambda x: (ag.where(x > 0, x, 0.5), ag.maximum(x, -x), x.clamp(-1, 1), x.clamp(max=0), x.lerp(-x, 0.3)),
    "clamps": lambda x: (x.clamp(-abs(x) / 2, x * x), x.clamp(max=x.mean()), x.clamp(min=x.new_zeros(1))),
    "casts": lambda x: (x.double(), x.long(), (x > 0).float(), ag.zeros_like(x) + ag.arange(6.0)),
    "trigonometry": lambda x: (x.sin(), x.tan(), x.atan(), x.sinh(), x.tanh(), x.erf(), x.asinh()),
    "in place": _in_place,
    "sums": lambda x: (x.sum(), x.mean(-1), x.mean((0, 2), keepdim=True), x.prod(1), x.cumsum(1), x.logsumexp(1)),
    "extremes": lambda x: (*x.max(1), *x.min(-1, keepdim=True), x.max(), x.amax((1, 2)), x.argmax(), x.argmin(-1)),
    "statistics": lambda x: (x.var(-1), x.var(-1, correction=0), x.std(0), ag.count_nonzero(x > 0), (x > 0).any(1)),
    "known": lambda x: (y := ag.where(x > 0, x, ag.nan), ag.nansum(y, 1), ag.nanmean(y), ag.nansum(x.long())),
    "all": lambda x: ((x > -1).all(1), (x > -1).all()),
    "norms": lambda x: (x.norm(), x.norm(p=1, dim=-1), x.norm(p=3, dim=1), x.norm(p=float("inf")), F.normalize(x)),
    "order": lambda x: (*x.topk(3), *x.sort(dim=1, descending=True), *x.median(-1), *x.kthvalue(2, -1)),
    "softmax": lambda x: (x.softmax(-1), x.log_softmax(1), F.softmin(x, 1)),
    "reshaping": lambda x: (x.view(2, -1), x.flatten(1), x.unflatten(2, (2, 3)), x.transpose(0, 1).reshape(4, -1)),
    "axes": lambda x: (x.transpose(1, 2), x.permute(2, 0, 1), x.mT, x.movedim(0, -1), x[:, None], x.unsqueeze(0)),
    "slices": lambda x: (x[:, 0], x[..., ::2], x[1], x[:, -1, 2:5], x[:, 1:-1], x[..., -1], x[:, ::-1], x[0, :, None]),
    "one-hot": lambda x: (F.one_hot((x > 0).long(), 3) * x[..., None], F.one_hot((x > 0).long().sum(), 49)),
    "positions": lambda x: (x[:, [0, -1]], x[[0, 1], [1, 2]], x.gather(1, POSITIONS), x[:, [[0, 1], [2, 3]]]),
    "joining": lambda x: (ag.cat([x, x * 2], 1), ag.stack([x, -x], -1), *x.chunk(2, -1), *x.split(3, 1), *x.unbind(1)),
    "repeating": lambda x: (x.repeat(1, 2, 1), x.repeat_interleave(2, 1), x[:, :1].expand(2, 4, 6), x.roll(1, 1)),
    "moving": lambda x: (x.flip(0, 2), x.roll(3), ag.rot90(x, 1, (1, 2)), x.diagonal(0, 1, 2), x.unfold(1, 2, 1)),
    "sums to a shape": lambda x: (x.sum_to_size(1, 4, 1), x.sum_to_size(4, 6), x.sum_to_size(6)),
    "moving nothing": lambda x: x.flip(()),
    "statistics of the batch": lambda x: F.batch_norm(x, None, None, x[0, :, 0], x[0, :, 1], training=True),
    "triangles": lambda x: (x.tril(), x.triu(1)),
    "padding": lambda x: [F.pad(x, (1, 2), mode=mode) for mode in ("constant", "reflect", "replicate", "circular")],
    "products": lambda x: (x @ x.mT, ag.einsum("bij,bkj->bi", x, x), MATRIX @ x.mT, F.linear(x, MATRIX), x @ x[0, 1]),
    "vectors": lambda x: (ag.outer(x[0, 0], x[0, 1]), ag.dot(x[0, 0], x[0, 1]), ag.cdist(x, x + 1)),
    "attention": lambda x: [F.scaled_dot_product_attention(x, x, x, is_causal=causal) for causal in (False, True)],
    "masked attention": lambda x: F.scaled_dot_product_attention(x, x, x, ag.ones(4, 4).tril().bool()),
    "activations": lambda x: [
        f(x)
        for f in (
            F.relu, F.gelu, F.silu, F.elu, F.selu, F.celu, F.leaky_relu, F.hardswish, F.hardsigmoid, F.mish, F.softplus,
            F.relu6, F.logsigmoid, F.softsign, F.tanhshrink, F.sigmoid, F.softshrink, F.glu,
        )
    ],
    "options": lambda x: (F.gelu(x, approximate="tanh"), F.celu(x, 0.5), F.softplus(x, 2.0), F.hardtanh(x, -2, 0.5)),
}  # fmt: skip
IMAGE_FUNCTIONS = {
    "resizing": lambda x: (
        F.interpolate(x, scale_factor=2),
        F.interpolate(x, scale_factor=2, mode="bilinear"),
        F.interpolate(x, size=(5, 11), mode="bicubic", align_corners=True),
    ),
    "pooling": _pooled,
    "resizing volumes": lambda x: F.interpolate(x[:, :, None], size=(2, 5, 11), mode="trilinear"),
    "largest and where": lambda x: F.max_pool2d(x, 2, return_indices=True)[0],
    "windows": lambda x: (F.unfold(x, 3, padding=1, stride=2), F.pixel_shuffle(x.repeat(1, 4, 1, 1), 2)),
    "sampling": lambda x: F.grid_sample(x, POINTS, align_corners=False),
    "lines": lambda x: F.conv1d(x[:, :, 0], KERNEL),
}


MODULES = {
    "linear": (lambda: nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2)), X),
    "bilinear": (lambda: nn.Bilinear(6, 6, 3), X, X),
    "convolution": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()), IMAGES),
    "depthwise": (lambda: nn.Conv2d(3, 6, 3, groups=3, dilation=2, bias=False), IMAGES),
    "same": (lambda: nn.Conv2d(3, 4, 4, padding="same"), IMAGES),
    "transposed": (lambda: nn.ConvTranspose2d(3, 4, 3, 2, 1, output_padding=1), IMAGES),
    "transposed groups": (lambda: nn.ConvTranspose2d(3, 6, 2, 2, groups=3, bias=False), IMAGES),
    "volumes": (lambda: nn.Sequential(nn.Conv3d(2, 3, 2), nn.BatchNorm3d(3), nn.MaxPool3d(2)), _normal(1, 2, 5, 5, 5)),
    "normalization": (lambda: nn.Sequential(nn.BatchNorm1d(4), nn.LayerNorm(6), nn.GroupNorm(2, 4), nn.RMSNorm(6)), X),
    "instances": (lambda: nn.InstanceNorm1d(4), X),
    "local response": (lambda: nn.LocalResponseNorm(3), IMAGES),
    "prelu": (lambda: nn.PReLU(4), X),
    "one slope": (nn.PReLU, X),
    "dropout": (lambda: nn.Dropout(0.5), X),
    "lstm": (lambda: nn.LSTM(6, 5, 2, batch_first=True), X),
    "bidirectional": (lambda: nn.GRU(6, 5, bidirectional=True), X),
    "rnn": (lambda: nn.RNN(6, 5, nonlinearity="relu", bias=False), X),
    "attention": (lambda: nn.MultiheadAttention(6, 2, batch_first=True), X, X, X),
    "encoder": (lambda: nn.TransformerEncoderLayer(6, 2, 12, activation="gelu"), X),
    "decoder": (lambda: nn.TransformerDecoderLayer(6, 2, 12, batch_first=True), X, X),
    "embedding": (lambda: nn.Embedding(10, 4), ag.tensor([[1, 2], [3, 4]])),
    "double": (lambda: nn.Sequential(nn.Linear(6, 3), nn.Tanh()).double(), X.double()),
}


def _run(written, *inputs):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(written.SerializeToString(), options)
    names = [value.name for value in session.get_inputs()]
    return session.run(None, {name: np.asarray(x) for name, x in zip(names, inputs, strict=True)})


def _check(model, *args, others=(), tolerance=2e-5, **options):
    written = export(model, args, **options)
    for inputs in (args, *others):
        found = _run(written, *inputs)
        with ag.no_grad():
            expected = [t.numpy() for t in leaves(model(*inputs))]
        for y, z in zip(found, expected, strict=True):
            assert (y.shape, y.dtype) == (z.shape, z.dtype)
            np.testing.assert_allclose(y, z, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    _check(FUNCTIONS[name], X)


@pytest.mark.parametrize("name", IMAGE_FUNCTIONS)
def test_functions_of_images(name):
    _check(IMAGE_FUNCTIONS[name], IMAGES, tolerance=1e-4)


@pytest.mark.parametrize("name", MODULES)
def test_modules(name):
    make, *args = MODULES[name]
    ag.manual_seed(0)
    _check(make().eval(), *args)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weight", [None, ag.tensor([0.5, 2.0, 1.0, 0.25])])
def test_cross_entropy(reduction, smoothing, weight):
    loss = nn.CrossEntropyLoss(weight, reduction=reduction, label_smoothing=smoothing)
    target = ag.tensor([[0, 3, 1, 2, 3, 0], [1, -100, 2, -100, 0, 3]])
    _check(loss, X, target, others=[(X * 2, target.flip(0))])
    _check(nn.NLLLoss(reduction=reduction), F.log_softmax(X, 1), target)
    again = nn.onnx.load(io.BytesIO(export(loss, (X, target)).SerializeToString()))
    ag.testing.assert_close(again(X, target), loss(X, target))


class Patches(nn.Module):
    """A transformer over patches behind a class token."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 6, 4, 4)
        self.token = nn.Parameter(ag.full((1, 1, 6), 0.5))
        self.layer = nn.TransformerEncoderLayer(6, 2, 12, batch_first=True)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        return self.layer(ag.cat([self.token.expand(x.shape[0], -1, -1), x], 1))[:, 0]


class Shuffled(nn.Module):
    """Channels mixed by groups, as in ShuffleNet, weighted as in squeeze-and-excitation."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 3, 1), nn.Sigmoid())

    def forward(self, x):
        x = (x * self.gate(x)).repeat(1, 2, 1, 1)
        n, c, h, w = x.shape
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w).mean([2, 3])


BATCHES = {
    "resnet": (models.resnet20, lambda n: _normal(n, 3, 16, 16)),
    "lenet": (models.lenet5, lambda n: _normal(n, 1, 28, 28)),
    "densenet": (lambda: models.densenet_bc(depth=10), lambda n: _normal(n, 3, 16, 16)),
    "unet": (lambda: models.unet(padding="same", width=4, batch_norm=True), lambda n: _normal(n, 1, 16, 16)),
    "gpt": (lambda: models.gpt(20, 16, 2, 2, 16), lambda n: ag.from_numpy(rng.integers(0, 20, (n, 10)))),
    "characters": (lambda: models.char_lstm(20, 8), lambda n: ag.from_numpy(rng.integers(0, 20, (n, 5)))),
    "patches": (Patches, lambda n: _normal(n, 3, 8, 8)),
    "shuffled": (Shuffled, lambda n: _normal(n, 3, 4, 4)),
}


@pytest.mark.parametrize("name", BATCHES)
def test_batches_of_another_size(name):
    make, batch = BATCHES[name]
    ag.manual_seed(0)
    axes = {"input": {0: "batch"}}
    _check(make().eval(), batch(2), others=[(batch(3),), (batch(1),)], tolerance=2e-4, dynamic_axes=axes)


def test_names_shapes_and_file(tmp_path):
    model = nn.Sequential(nn.Linear(6, 3))
    axes = {"words": {0: "batch"}, "scores": [0]}
    with (tmp_path / "a.onnx").open("wb") as file:
        written = export(model, (X,), file, input_names=["words"], output_names=["scores"], dynamic_axes=axes)
    export(model, X, tmp_path / "b.onnx", input_names=["words"], output_names=["scores"], dynamic_axes=axes)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    graph = onnx.load(tmp_path / "a.onnx").graph
    assert graph == written.graph
    assert {t.name for t in graph.initializer} == {"0.weight", "0.bias"}
    dims = [[d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in (*graph.input, *graph.output)]
    assert dims == [["batch", 4, 6], ["scores_axis_0", 4, 3]]
    assert (graph.name, graph.input[0].name, graph.output[0].name) == ("Sequential", "words", "scores")


def test_the_model_is_as_before_and_exported_in_evaluation_mode():
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5))
    state = {name: t.clone() for name, t in model.state_dict().items()}
    written = export(model, X)
    assert model.training
    assert model[1].training
    assert all((model.state_dict()[name] == t).all() for name, t in state.items())
    assert [node.op_type for node in written.graph.node] == ["Reshape", "Mul", "Reshape", "Add", "Identity"]


def test_keyword_arguments_and_outputs_that_depend_on_no_input():
    written = export(lambda x, scale: (x * scale, ag.ones(2)), (X,), kwargs={"scale": ag.tensor(3.0)})
    found = _run(written, X, np.float32(3))
    np.testing.assert_array_equal(found[0], X.numpy() * 3)
    np.testing.assert_array_equal(found[1], [1, 1])


def test_tied_parameters_are_stored_once():
    model = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))
    model[1].weight = model[0].weight
    assert [t.name for t in export(model, X[0]).graph.initializer] == ["0.weight", "0.bias", "1.bias"]


@pytest.mark.parametrize(
    ("function", "error", "text"),
    [
        (lambda x: x * x.sum().item(), TracingError, "other tensor functions"),
        (lambda x: x if x.sum() > 0 else -x, TracingError, "where"),
        (lambda x: ag.tensor(x.tolist()), TracingError, "values"),
        (ag.linalg.svdvals, TracingError, "svdvals: this operation has no counterpart"),
        (lambda x: x.as_strided((2,), (1,)), TracingError, "memory"),
        (nn.BatchNorm1d(4).forward, TracingError, "eval"),
        (lambda x: x.view(3, 5), RuntimeError, "reshape"),
    ],
)
def test_what_cannot_be_exported(function, error, text):
    with pytest.raises(error, match=text):
        export(function, X)


@pytest.mark.parametrize("args", ["model.onnx", (1, 3), ()])
def test_an_example_is_needed(args):
    with pytest.raises(TypeError, match="takes a module or function, and a tensor or a tuple"):
        export(nn.ReLU(), args)


def test_a_write_to_a_part_cannot_be_exported():
    def function(x):
        y = x * 2
        y[:, 0] = 0
        return y

    with pytest.raises(TracingError, match="in-place write to a part"):
        export(function, X)


@pytest.mark.parametrize(
    ("function", "text"),
    [(lambda x: x[[0, 1], [1, 2]], "positions"), (lambda x: x.var(0), "variance"), (lambda x: x.roll(1, 0), "roll")],
)
def test_what_fixes_the_shape_is_refused_with_dynamic_axes(function, text):
    with pytest.raises(TracingError, match=f"{text}.*without dynamic_axes"):
        export(function, X, dynamic_axes={"input": {0: "batch"}})


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"input_names": ["a", "b"]}, "1 inputs, but 2 names"),
        ({"output_names": []}, "1 outputs, but 0 names"),
        ({"dynamic_axes": {"x": {0: "batch"}}}, "dynamic_axes names"),
    ],
)
def test_options_that_do_not_fit(options, text):
    with pytest.raises(ValueError, match=text):
        export(nn.ReLU(), X, **options)


def test_other_versions_of_the_operators_are_converted_to_if_possible():
    written = export(nn.Linear(6, 3), X, opset_version=18, dynamo=False, export_params=True)
    assert written.opset_import[0].version == 18
    with pytest.warns(UserWarning, match="opset 20, not 13, as onnx cannot convert it"):
        written = export(lambda x: x.mean(-1), X, opset_version=13)
    assert written.opset_import[0].version == 20
    with pytest.raises(TypeError, match="has no option 'opset'"):
        export(nn.ReLU(), X, opset=13)


def test_pytorch_finds_it_where_it_expects_it():
    assert ag.onnx.export is export


def test_models_that_ask_whether_they_are_exported(tmp_path):
    class Asking(nn.Module):
        def forward(self, x):
            return x + 1 if ag.onnx.is_in_onnx_export() else x.relu()

    export(Asking(), (X,), tmp_path / "asking.onnx")
    (y,) = onnxruntime.InferenceSession(tmp_path / "asking.onnx").run(None, {"input": X.numpy()})
    assert ag.equal(ag.tensor(y), X.relu())
