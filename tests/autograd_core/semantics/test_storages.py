import multiprocessing
import subprocess
import sys

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import InplaceError


def test_a_storage_holds_all_elements_of_which_a_view_shows_some():
    x = ag.arange(6.0).reshape(2, 3)
    held = x[1].storage()
    assert (len(held), held.nbytes(), held.element_size(), held.dtype) == (6, 24, 4, ag.float32)
    assert (held.tolist(), [*held], held[4], held[1:3].tolist()) == ([*range(6)], [*range(6)], 4.0, [1.0, 2.0])
    assert repr(held[:2]) == " 0.0\n 1.0\n[Storage of 2 float32 on cpu]"
    assert held.data_ptr() == x.T.untyped_storage().data_ptr() == x.data_ptr() != x.clone().storage().data_ptr()


@pytest.mark.parametrize("x, size", [
    (ag.tensor(3.0), 4), (ag.zeros(0, 3), 0), (ag.ones(3, dtype=ag.bfloat16), 6), (ag.tensor([True, False]), 2),
    (ag.ones(2, 3, dtype=ag.complex64), 48), (ag.ones(2, 3, 4, 4).contiguous(memory_format=ag.channels_last), 384),
    (ag.ones(1).expand(5), 4), (ag.ones(100_000)[::2], 400_000),
])  # fmt: skip
def test_an_untyped_storage_counts_bytes(x, size):
    held = x.untyped_storage()
    assert (held.nbytes(), held.size(), len(held), held.dtype) == (size, size, size, ag.uint8)
    assert sys.getsizeof(held) >= size


def test_writing_a_storage_changes_every_view_and_makes_graphs_stale():
    x = ag.zeros(2, requires_grad=True)
    y = x + 1
    z = y * y
    y.storage()[0] = 7.0
    assert y.tolist() == [7.0, 1.0]
    with pytest.raises(InplaceError):
        z.sum().backward()


def test_a_tensor_is_set_to_the_elements_of_another():
    x, y = ag.arange(6.0).reshape(2, 3), ag.empty(0)
    assert y.set_(x) is y
    y.add_(1)
    assert y.is_set_to(x)
    assert x.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert y.set_(x.storage(), 1, (2, 2), (1, 2)).tolist() == [[2, 4], [3, 5]]
    assert not y.is_set_to(x)
    assert y.set_(x.untyped_storage(), 3, (2,)).tolist() == [4, 5]
    assert y.set_().shape == (0,)
    with pytest.raises(RuntimeError, match="takes elements of float32, not int64"):
        y.set_(ag.arange(3))


def test_a_leaf_that_requires_a_gradient_cannot_be_set():
    x = ag.ones(2, requires_grad=True)
    with pytest.raises(InplaceError, match="no_grad"):
        x.set_(ag.ones(3))
    with ag.no_grad():
        assert x.set_(x[1:]).shape == (1,)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2]


def test_views_stay_with_the_memory_that_their_base_left():
    x = ag.zeros(3)
    head, tail = x[:2], x[1:]
    x.set_(tail[1:])
    assert x.tolist() == [0]
    w = ag.tensor(5.0, requires_grad=True)
    head[1] = w
    x.fill_(7)
    assert (head.tolist(), tail.tolist()) == ([0, 5], [5, 7])
    (tail * ag.tensor([3.0, 1])).sum().backward()
    assert (w.grad.item(), x.requires_grad) == (3, False)


def test_what_is_set_makes_graphs_of_the_source_stale():
    x = ag.ones(2, requires_grad=True) * 1
    z = (x * x).sum()
    ag.empty(0).set_(x.detach()).zero_()
    with pytest.raises(InplaceError):
        z.backward()


@pytest.mark.parametrize("x", [ag.tensor(2.0), ag.ones(2, 3).t(), ag.ones(3, dtype=ag.bfloat16), ag.ones(0)])
def test_shared_memory_keeps_values_and_strides(x):
    before, strides = x.tolist(), x.stride()
    assert x.share_memory_() is x
    assert (x.tolist(), x.stride(), x.is_shared()) == (before, strides, x.numel() > 0)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="processes are not forked here")
def test_forked_processes_write_shared_parameters():
    model = nn.Linear(2, 1).share_memory()
    child = multiprocessing.get_context("fork").Process(target=nn.init.ones_, args=(model.weight,))
    child.start()
    child.join()
    assert model.weight.tolist() == [[1.0, 1.0]]
    model(ag.ones(1, 2)).sum().backward()
    assert model.weight.grad.tolist() == [[1.0, 1.0]]


def test_what_is_a_storage():
    x = ag.ones(2)
    assert [ag.is_storage(v) for v in (x.storage(), x.untyped_storage(), x, x.numpy())] == [True, True, False, False]


def test_a_file_is_memory(tmp_path):
    path = tmp_path / "three"
    path.write_bytes(np.array([1, 2, 3], np.float32).tobytes())
    bytes_of_file = ag.UntypedStorage.from_file(path)
    x = ag.asarray(bytes_of_file[4:12], dtype=ag.uint8).view(dtype=ag.float32)
    assert (len(bytes_of_file), x.tolist()) == (12, [2, 3])
    x.zero_()
    assert ag.empty(0).set_(ag.UntypedStorage.from_file(path)).tolist() == [1, 2, 3]
    shared = ag.UntypedStorage.from_file(path, shared=True, nbytes=8)
    ag.empty(0).set_(shared).fill_(5)
    assert np.fromfile(path, np.float32).tolist() == [5, 5, 3]


def test_a_tensor_on_a_file(tmp_path):
    path = tmp_path / "numbers"
    made = ag.from_file(path, True, 3, dtype=ag.int32)
    made.copy_(ag.tensor([1, 2, 3]))
    seen = ag.from_file(str(path), size=2, dtype=ag.int32)
    assert (seen.tolist(), made.is_shared()) == ([1, 2], True)
    seen[0] = 9  # in memory only
    assert ag.from_file(path, size=3, dtype=ag.int32).tolist() == [1, 2, 3]
    ag.from_file(path, True, 4)[3] = 0.5  # float32, the default; the file grows
    assert ag.from_file(path, size=4)[3].item() == 0.5
    ag.from_file(path, True, 1)  # and never shrinks
    assert (path.stat().st_size, ag.from_file(path).shape) == (16, (0,))
    assert ag.from_file(path, size=2, device="meta").is_meta
    for size, text in ((5, "5 elements of float32 take 20 bytes; the file has 16"), (-1, "must not be negative")):
        with pytest.raises(RuntimeError, match=text):
            ag.from_file(path, size=size)


def test_files_of_safetensors_are_read(tmp_path):
    code = """
import sys
import autograd_core
sys.modules["torch"] = autograd_core
import torch
from safetensors.torch import load_file, safe_open, save_file
x = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(3, dtype=torch.bfloat16), "c": torch.zeros(0, 2)}
save_file(x, sys.argv[1])
y = load_file(sys.argv[1])
assert all(torch.equal(x[name], y[name]) and x[name].dtype == y[name].dtype for name in "abc")
with safe_open(sys.argv[1], framework="pt") as file:
    assert file.get_slice("a")[:, 1:].tolist() == [[1, 2], [4, 5]]
"""
    pytest.importorskip("safetensors")
    subprocess.run([sys.executable, "-c", code, tmp_path / "x.safetensors"], check=True)


def test_tensors_on_one_storage_have_numbers_of_their_own():
    x = ag.ones(2)
    others = [x.detach(), x[:], x.clone()]
    assert len({t._cdata for t in [x, *others]}) == 4
