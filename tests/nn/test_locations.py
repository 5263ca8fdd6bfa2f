"""`load(map_location=...)`: where the memory of a file's tensors is put."""

import io
import pickle
import zipfile

import pytest

import autograd_core as ag
import nn


def saved(obj, device="cpu"):
    """A file of `obj`, which says that it was saved on this device."""
    file = io.BytesIO()
    ag.save(obj, file)
    written = io.BytesIO()
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(written, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("data.pkl"):
                content = content.replace(
                    b"X\x03\x00\x00\x00cpu", b"X" + len(device).to_bytes(4, "little") + device.encode()
                )
            target.writestr(name, content)
    written.seek(0)
    return written


PLACES = {
    "a name": "meta",
    "a device": ag.device("meta"),
    "bytes": b"meta",
    "a dict": {"cpu": "meta"},
    "a function": lambda storage, saved: storage.to(device="meta") if saved == "cpu" else storage,
}


@pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))
def test_all_tensors_of_a_file_are_moved(place):
    model = nn.Linear(2, 3)
    content = {"model": model, "state": [model.state_dict(), {"deep": (ag.ones(2), "text", 3)}]}
    found = ag.load(saved(content), place, weights_only=False)
    tensors = [*found["model"].parameters(), *found["state"][0].values(), found["state"][1]["deep"][0]]
    assert all(t.is_meta for t in tensors)
    assert [tuple(t.shape) for t in tensors] == [(3, 2), (3,), (3, 2), (3,), (2,)]
    assert all(isinstance(p, nn.Parameter) for p in found["model"].parameters())


@pytest.mark.parametrize(
    "place, kinds",
    [
        (None, ["cpu", "cpu"]),
        ({"cuda:1": "meta"}, ["meta", "meta"]),
        ({"cuda:0": "meta"}, ["cpu", "cpu"]),
        ({"cuda:1": ag.device("cpu")}, ["cpu", "cpu"]),
        (lambda storage, saved: None, ["cpu", "cpu"]),
        (lambda storage, saved: storage, ["cpu", "cpu"]),
        (lambda storage, saved: storage.to(device="meta") if storage.nbytes() > 8 else None, ["cpu", "meta"]),
        (lambda storage, saved: storage.to(device={"cuda:1": "meta"}[saved]), ["meta", "meta"]),
    ],
)
def test_a_dict_and_a_function_know_where_a_storage_was_saved(place, kinds):
    found = ag.load(saved([ag.arange(2.0), ag.arange(4.0)], "cuda:1"), map_location=place)
    assert [t.device for t in found] == kinds
    assert [t.tolist() for t in found if not t.is_meta] == [[0, 1], [0, 1, 2, 3]][: kinds.count("cpu")]


def test_tensors_share_memory_wherever_they_are():
    x = ag.arange(6.0).reshape(2, 3)
    asked = []

    def place(storage, saved):
        asked.append((storage.dtype, len(storage), saved))
        return storage.clone()

    whole, turned, row = ag.load(saved([x, x.T, x[1]]), map_location=place)
    whole[1, 2] = 9
    assert (turned[2, 1].item(), row[2].item(), asked) == (9, 9, [(ag.uint8, 24, "cpu")])
    whole, turned, _ = ag.load(saved([x, x.T, x[1]]), map_location="meta")
    assert (whole.stride(), turned.stride(), turned.is_meta) == ((3, 1), (1, 3), True)


def test_the_elements_of_a_function_s_own_storage():
    ours = ag.tensor([1.5, 2.5])
    (x,) = ag.load(saved([ag.zeros(2)]), map_location=lambda storage, saved: ours.untyped_storage())
    x += 1
    assert ours.tolist() == [2.5, 3.5]


def test_safetensors_are_moved_too(tmp_path):
    nn.save({"x": ag.ones(2, 3)}, tmp_path / "x.safetensors")
    assert ag.load(tmp_path / "x.safetensors", map_location="meta")["x"].is_meta
    assert ag.load(tmp_path / "x.safetensors")["x"].tolist() == [[1, 1, 1]] * 2


def test_what_names_no_place():
    for wrong, error, text in [
        (0, TypeError, "map_location is a device, a dict of devices or a function"),
        (lambda storage, saved: ag.ones(2), TypeError, "must return a storage or None, not Tensor"),
        ("nowhere", RuntimeError, "device type at start of device string: nowhere"),
        ({"cpu": "cuda:x"}, RuntimeError, "'cuda:x' is not a device"),
    ]:
        with pytest.raises(error, match=text):
            ag.load(saved([ag.zeros(2)]), map_location=wrong)
    with pytest.raises(pickle.UnpicklingError):
        ag.load(io.BytesIO(b"PK\x03\x04" + bytes(60)), map_location="cpu")
