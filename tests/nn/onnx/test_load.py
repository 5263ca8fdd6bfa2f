"""Models read from ONNX files: our own, those of the onnx package, and its tests of single nodes."""

import copy
import functools
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from onnx.backend.test.case.node import collect_testcases

import autograd_core as ag
import nn
from autograd_core.trees import leaves
from nn import models
from nn.onnx import export, load

OPSET = 28  # of onnx 1.23: newer releases may change what nodes mean
LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
# Cases whose numbers are random, or with options that are refused.
RANDOM = ("training_dropout",)
REFUSED = ("tf_crop_and_resize", "lstm_with_peepholes")
DTYPES = {
    "bool",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    *(f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64)),
}


@functools.cache
def _cases():
    """The cases of the onnx package: nodes, inputs and expected outputs, for operations that are read."""
    with np.errstate(all="ignore"), warnings.catch_warnings(category=DeprecationWarning, action="ignore"):
        found = collect_testcases(None)
    return [case for case in found if max(e.version for e in case.model.opset_import) <= OPSET and _is_of_tensors(case)]


def _is_of_tensors(case):
    arrays = [x for pair in case.data_sets for part in pair for x in part]
    return all(getattr(x, "dtype", np.dtype(object)).name in DTYPES for x in arrays)


def _read(model, folder):
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return load(path)


def _tuple(value):
    return value if isinstance(value, tuple) else (value,)


def test_nodes_compute_what_the_standard_says(tmp_path):
    passed, failed = 0, []
    for case in _cases():
        if any(word in case.name for word in (*RANDOM, *REFUSED)) or case.name.endswith("_expanded"):
            continue
        try:
            model = _read(case.model, tmp_path)
            results = [_tuple(model(*[ag.from_numpy(np.array(x)) for x in inputs])) for inputs, _ in case.data_sets]
        except NotImplementedError:  # a node that is not known
            continue
        for found, (_, outputs) in zip(results, case.data_sets, strict=True):
            try:
                for y, z in zip(found, map(np.asarray, outputs), strict=True):
                    assert (y.shape, y.dtype) == (z.shape, z.dtype)
                    exact = z.dtype.kind in "biu"
                    a, b = (y.detach().numpy(), z) if exact else (y.detach().double().numpy(), z.astype(np.float64))
                    tolerance = {"rtol": max(case.rtol, 2e-2 if z.dtype.itemsize == 2 else 1e-3), "atol": 1e-6}
                    np.testing.assert_allclose(a, b, **({"rtol": 0} if exact else tolerance))
                passed += 1
            except AssertionError as e:
                failed.append(f"{case.name}: {str(e).strip():.200}")
    assert not failed
    assert passed > 700


@pytest.mark.parametrize("name", ["squeezenet", "shufflenet", "bvlc_alexnet", "zfnet512"])
def test_small_files_of_well_known_networks(name):
    path = LIGHT / f"light_{name}.onnx"
    model = load(path)
    x = np.random.default_rng(0).standard_normal((1, 3, 224, 224)).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    (expected,) = session.run(None, {model.input_names[0]: x})
    with ag.no_grad():
        found = model(ag.from_numpy(x))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-6)


def _exported(model, example, folder, **options):
    path = folder / "model.onnx"
    export(model, example, path, **options)
    return load(path)


def _normal(*shape):
    return ag.randn(*shape, generator=ag.Generator().manual_seed(0))


NETWORKS = {
    "resnet": (models.resnet20, lambda n: _normal(n, 3, 16, 16)),
    "unet": (lambda: models.unet(padding="same", width=4, batch_norm=True), lambda n: _normal(n, 1, 16, 16)),
    "lstm": (lambda: nn.LSTM(3, 4, bidirectional=True, batch_first=True), lambda n: _normal(n, 5, 3)),
    "gru": (lambda: nn.GRU(3, 4), lambda n: _normal(5, n, 3)),
    "rnn": (lambda: nn.RNN(3, 4, nonlinearity="relu"), lambda n: _normal(5, n, 3)),
    "encoder": (lambda: nn.TransformerEncoderLayer(6, 2, 12, batch_first=True), lambda n: _normal(n, 4, 6)),
    "norms": (lambda: nn.Sequential(nn.GroupNorm(2, 4), nn.LayerNorm(6), nn.RMSNorm(6)), lambda n: _normal(n, 4, 6)),
    "transposed": (lambda: nn.ConvTranspose2d(3, 4, 3, 2, 1, output_padding=1), lambda n: _normal(n, 3, 5, 5)),
    "resized": (lambda: nn.Upsample(scale_factor=1.5, mode="bilinear"), lambda n: _normal(n, 3, 6, 6)),
    "gpt": (lambda: models.gpt(20, 16, 1, 2, 16), lambda n: ag.arange(8 * n).reshape(n, 8) % 20),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_what_was_written_is_read(name, tmp_path):
    make, batch = NETWORKS[name]
    ag.manual_seed(0)
    model, axis = make().eval(), 0 if name not in ("gru", "rnn") else 1
    again = _exported(model, batch(2), tmp_path, dynamic_axes={"input": {axis: "batch"}})
    for n in (2, 3):
        for y, z in zip(leaves(again(batch(n))), leaves(model(batch(n))), strict=True):
            ag.testing.assert_close(y, z, rtol=1e-4, atol=1e-5)


def test_parameters_keep_their_names_and_are_trained(tmp_path):
    ag.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
    again, x = _exported(model, _normal(2, 1, 4, 4), tmp_path), _normal(2, 1, 4, 4)
    assert dict(again.named_parameters()).keys() == dict(model.named_parameters()).keys()
    again.load_state_dict({name: t * 2 for name, t in model.state_dict().items()}, strict=False)
    model.load_state_dict({name: t * 2 for name, t in model.state_dict().items()})
    (again(x) ** 2).sum().backward()
    (model(x) ** 2).sum().backward()
    for name, p in model.named_parameters():
        ag.testing.assert_close(again.get_parameter(name).grad, p.grad)
    assert copy.deepcopy(again)(x).equal(again(x))


def test_statistics_are_buffers_and_constants_are_computed_once(tmp_path):
    scale, bias, mean, var = (np.full(2, v, np.float32) for v in (2, 1, 0.5, 4))
    nodes = [
        helper.make_node("Constant", [], ["c"], value_float=3.0),
        helper.make_node("Exp", ["c"], ["e"]),
        helper.make_node("BatchNormalization", ["x", "scale", "bias", "mean", "var"], ["y"]),
        helper.make_node("Mul", ["y", "e"], ["z"]),
    ]
    arrays = {"scale": scale, "bias": bias, "mean": mean, "var": var}
    model = _read(_model(nodes, {"x": (1, 2, 3)}, ["z"], arrays), tmp_path)
    assert {name for name, _ in model.named_parameters()} == {"scale", "bias"}
    assert {name for name, _ in model.named_buffers()} == {"mean", "var", "e"}
    x = _normal(1, 2, 3)
    ag.testing.assert_close(model(x), ((x - 0.5) / (4 + 1e-5) ** 0.5 * 2 + 1) * np.float32(np.exp(3)))


def _model(nodes, inputs, outputs, arrays=(), opset=20):
    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in inputs.items()]
    results = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs]
    stored = [numpy_helper.from_array(array, name) for name, array in dict(arrays).items()]
    graph = helper.make_graph(nodes, "graph", values, results, stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def test_inputs_by_position_or_name(tmp_path):
    model = _read(_model([helper.make_node("Sub", ["a", "b"], ["y"])], {"a": (2,), "b": (2,)}, ["y"]), tmp_path)
    a, b = ag.tensor([5.0, 7.0]), ag.tensor([1.0, 2.0])
    assert model(a, b).tolist() == model(b=b, a=a).tolist() == model(a, b=b).tolist() == [4.0, 5.0]
    for given in [(a,), (a, b, b)]:
        with pytest.raises(TypeError, match=r"takes \['a', 'b'\]"):
            model(*given)


def test_operands_aligned_by_axis_as_before_opset_7(tmp_path):
    node = helper.make_node("Add", ["a", "b"], ["y"], axis=1, broadcast=1)
    model = _read(_model([node], {"a": (2, 3, 4), "b": (3,)}, ["y"], opset=6), tmp_path)
    a, b = _normal(2, 3, 4), _normal(3)
    assert model(a, b).equal(a + b[:, None])


def test_outputs_that_are_left_out_are_no_inputs(tmp_path):
    w, r = np.ones((1, 8, 3), np.float32), np.ones((1, 8, 2), np.float32)
    nodes = [
        helper.make_node("LSTM", ["x", "w", "r"], ["", "h"], hidden_size=2),
        helper.make_node("Clip", ["h", "", "high"], ["y"]),
    ]
    arrays = {"w": w, "r": r, "high": np.float32(0.5)}
    model = _read(_model(nodes, {"x": (4, 1, 3)}, ["y"], arrays), tmp_path)
    assert model(_normal(4, 1, 3)).shape == (1, 1, 2)


def test_errors_name_what_is_wrong(tmp_path):
    unknown = [helper.make_node("SequenceEmpty", [], ["s"]), helper.make_node("NonMaxSuppression", ["a", "b"], ["y"])]
    written = _model(unknown, {"a": (1,), "b": (1,)}, ["y"])
    with pytest.raises(NotImplementedError, match="cannot be read: NonMaxSuppression, SequenceEmpty"):
        _read(written, tmp_path)
    product = helper.make_node("MatMul", ["a", "b"], ["y"], name="last")
    model = _read(_model([product], {"a": (2, 3), "b": (2, 3)}, ["y"]), tmp_path)
    with pytest.raises(RuntimeError, match="matmul") as error:
        model(ag.ones(2, 3), ag.ones(2, 3))
    assert "node 'last' of type MatMul" in str(error.value.__notes__)
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(ValueError, match="no ONNX file, or it is damaged"):
        load(tmp_path / "text.onnx")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "absent.onnx")
