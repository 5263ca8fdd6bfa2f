"""The stand-in for a GPU array refuses what a GPU array refuses, and allows what CuPy allows."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.engine.libraries import LIBRARY
from autograd_core.testing import RefusingArray


def refusing(values):
    return ag.tensor(values, device="refusing", dtype="float64").array


LEAKS = {
    "np.asarray(x)": np.asarray,
    "np.exp(x)": np.exp,
    "np.sum(x)": np.sum,
    "array * x": lambda x: np.ones(2) * x,
    "x * array": lambda x: x * np.ones(2),
    "x + scalar": lambda x: x + np.float64(1),
    "scalar + x": lambda x: np.float64(1) + x,
    "x[array]": lambda x: x[np.array([0])],
    "np.where(x)": lambda x: np.where(x > 0, x, 0),
    "np.concatenate([x])": lambda x: np.concatenate([x, x]),
    "bool(x)": lambda x: bool(x.sum() > 0),
    "float(x)": lambda x: float(x[0]),
    "int(x)": lambda x: int(x[0]),
    "list[x]": lambda x: [0, 1, 2][x[0]],
    "list(x)": list,
    "1 in x": lambda x: 1.0 in x,
    "x @ x": lambda x: x @ x,
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_leaks_and_implicit_reads_raise(leak):
    with pytest.raises(TypeError, match=r"[rR]efusing"):
        leak(refusing([1.0, 2.0]))


def test_its_own_functions_and_operators_work():
    x = refusing([1.0, 4.0])
    xp = LIBRARY[RefusingArray]
    y = xp.where(x > 2, xp.sqrt(x), x) / 2 + xp.add.reduce(x)
    assert isinstance(y, RefusingArray)
    assert xp.backend.to_host(y).tolist() == [5.5, 6.0]
    assert xp.backend.to_host(2 - x[::-1]).tolist() == [-2.0, 1.0]
    x += 1
    assert x[1].item() == 5.0


def test_results_without_axes_stay_arrays():
    assert isinstance(refusing([1.0, 2.0]).sum(), RefusingArray)
    assert refusing([1.0, 2.0])[0].shape == ()


def test_views_know_their_base():
    x = refusing([[1.0, 2.0], [3.0, 4.0]])
    assert x.base is None
    assert x.T[0].base is x
    assert (x + 0).base is None
    assert x.copy().base is None


def test_tensors_live_there_and_come_back():
    x = ag.tensor([1.0, 2.0], device="refusing", requires_grad=True)
    assert x.device == "refusing:0"
    y = (x * x).sum()
    y.backward()
    assert x.grad.device == x.device
    assert x.grad.cpu().tolist() == [2.0, 4.0]
    host = ag.tensor([1.0, 2.0], requires_grad=True)
    (host.to("refusing") ** 2).sum().backward()
    assert host.grad.tolist() == [2.0, 4.0]


def test_devices_do_not_mix():
    with pytest.raises(RuntimeError, match="different devices"):
        ag.tensor([1.0], device="refusing") * ag.tensor([1.0])


def test_writes_through_views_are_differentiable_there_too():
    x = ag.tensor([1.0, 2.0], device="refusing", requires_grad=True)
    y = x.clone()
    y[0] *= 3
    y.sum().backward()
    assert x.grad.cpu().tolist() == [3.0, 1.0]


def test_random_numbers():
    ag.manual_seed(3)
    a = ag.rand(4, device="refusing")
    ag.manual_seed(3)
    assert bool((a == ag.rand(4, device="refusing")).all())
    assert isinstance(a.array, RefusingArray)
    state = ag.get_rng_state("refusing")
    b = ag.randn(2, device="refusing")
    ag.set_rng_state(state, "refusing")
    assert ag.randn(2, device="refusing").tolist() == b.tolist()


def test_the_backend_describes_itself():
    backend = LIBRARY[refusing([1.0]).__class__].backend
    assert "refuse NumPy" in backend.describe()
    assert backend.device_count() == 1
    backend.synchronize()
    assert repr(refusing([1.0])) == "RefusingArray(array([1.]))"
    assert len(refusing([1.0, 2.0])) == 2
