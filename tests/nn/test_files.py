"""Model files: round trips, and that a failed save harms nothing."""

import io
import pickle
import sys

import numpy as np
import pytest

import autograd_core as ag
import nn

pytest.importorskip("safetensors", reason='needs pip install "autograd-core[io]"')


def test_round_trip(tmp_path):
    source, target = nn.models.lenet5(), nn.models.lenet5()
    nn.save(source, tmp_path / "model.safetensors")
    target.load_state_dict(nn.load(tmp_path / "model.safetensors"))
    x = ag.randn(1, 1, 28, 28)
    assert target(x).tolist() == source(x).tolist()
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


def test_the_name_decides_on_the_format(tmp_path):
    state = {"b": ag.ones(2), "a": ag.zeros(1)}
    for name, start in (("x.pt", b"PK"), ("x.pth", b"PK"), ("x.safetensors", b"\x70"), ("x", b"\x70")):
        nn.save(state, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)
        assert sorted(nn.load(tmp_path / name)) == ["a", "b"]
    assert list(nn.load(tmp_path / "x")) == ["a", "b"]  # in the same order every time
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        nn.save(state, tmp_path / "none" / "x.pt")


@pytest.mark.parametrize("name", ["x.pt", "x.safetensors"])
@pytest.mark.parametrize("length", [0, 30, -10])
def test_damaged_files(tmp_path, name, length):
    path = tmp_path / name
    nn.save({"a": ag.ones(5)}, path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(pickle.UnpicklingError, match=rf"{name}: .*damaged"):
        nn.load(path)


def test_open_files():
    buffer = io.BytesIO()
    nn.save({"x": ag.arange(3)}, buffer)
    buffer.seek(0)
    assert nn.load(buffer)["x"].tolist() == [0, 1, 2]


def test_what_is_no_tensor_is_refused(tmp_path):
    with pytest.raises(TypeError, match="writes a module or tensors by name, not list"):
        nn.save([ag.ones(1)], tmp_path / "model")
    with pytest.raises(TypeError, match="'epoch' is of type int"):
        nn.save({"epoch": 3}, tmp_path / "model")
    with pytest.raises(TypeError, match=r"no complex128, as 'z' is; use a name that ends in \.pt"):
        nn.save({"z": ag.ones(1, dtype="complex128")}, tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_elements_that_tensors_cannot_hold():
    header = b'{"x":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}'
    with pytest.raises(pickle.UnpicklingError, match="'x' holds elements of type F8_E4M3"):
        nn.load(io.BytesIO(len(header).to_bytes(8, "little") + header + b"1"))


def test_values_of_every_layout_and_dtype(tmp_path):
    state = {
        "transposed": ag.tensor([[1.0, 2.0], [3.0, 4.0]], dtype="float64").T,
        "count": ag.tensor(7),
        "half": ag.ones(2, dtype="float16"),
        "empty": ag.ones(0, 3),
        **{str(dtype): ag.ones(2, dtype=dtype) for dtype in (ag.bfloat16, ag.bool, ag.uint16, ag.complex64)},
    }
    nn.save(state, str(tmp_path / "s"))
    loaded = nn.load(str(tmp_path / "s"))
    for name, t in state.items():
        assert loaded[name].dtype == t.dtype
        np.testing.assert_array_equal(loaded[name].numpy(), t.numpy())


@pytest.mark.parametrize("failure", ["os.fsync", "pathlib.Path.replace"])
def test_failed_save_keeps_the_old_file(tmp_path, monkeypatch, failure):
    path = tmp_path / "model"
    nn.save({"x": ag.ones(1)}, path)

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(failure, fail)
    with pytest.raises(KeyboardInterrupt):
        nn.save({"x": ag.zeros(1)}, path)
    assert nn.load(path)["x"].item() == 1.0
    assert list(tmp_path.iterdir()) == [path]


def test_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r'pip install "autograd-core\[io\]"'):
        nn.save({}, tmp_path / "model")
