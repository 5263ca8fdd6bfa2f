"""Classes derived from Tensor: their instances, what operations give for them, and what they are asked."""

import copy
import inspect
import pickle
import re
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from autograd_core._C import DisableTorchFunctionSubclass
from autograd_core.overrides import TorchFunctionMode, has_torch_function

import autograd_core as ag
import nn
import nn.functional as F
import optim
from autograd_core.compatibility import leading
from autograd_core.engine import redirection
from autograd_core.errors import InplaceError
from autograd_core.registry import LISTENERS
from autograd_core.semantics import members, subclasses
from autograd_core.utils.checkpoint import checkpoint
from nn.files.pytorch_reader import ALLOWED


@pytest.fixture(autouse=True, scope="module")
def functions_are_led_nowhere_afterwards():
    """Other tests expect the frames of functions that ask nobody, where warnings point to."""
    yield
    for redirected in tuple(redirection.REDIRECTED.values()):
        for way in tuple(redirected.ways):
            redirection.restore(redirected.function, way)
    LISTENERS.remove(leading._listen)
    leading.lead_through_classes.cache_clear()
    subclasses._prepare.cache_clear()
    subclasses._lead.cache_clear()


class Image(ag.Tensor):
    """With what a subclass does by default."""


class Photo(Image):
    """A subclass of a subclass."""


class Mask(ag.Tensor):
    """Another one."""


ASKED = []


class Noting(ag.Tensor):
    """Notes what it is asked."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        ASKED.append((func, args, kwargs))
        return super().__torch_function__(func, types, args, kwargs)


class Marked(nn.Parameter):
    """A parameter with a note."""

    def __new__(cls, data=None, note=None, requires_grad=True):
        made = super().__new__(cls, data, requires_grad)
        made.note = note
        return made


def image(*shape, cls=Image):
    return ag.arange(float(np.prod(shape))).reshape(shape).as_subclass(cls)


@pytest.fixture
def asked():
    ASKED.clear()
    return ASKED


def test_instances():
    x = ag.tensor([1.0, 2.0])
    made = Image(x), x.as_subclass(Image), Image([1, 2]), ag.Tensor._make_subclass(Image, x, True), Image(2)
    assert {type(t) for t in made} == {Image}
    assert all(isinstance(t, ag.Tensor) and t.shape == (2,) for t in made)
    assert made[3].requires_grad
    assert made[3].is_leaf
    x[0] = 5
    assert [t[0].item() for t in made[:4]] == [5, 5, 1, 5]
    assert Image(ag.tensor([1])).dtype == ag.int64  # as of Tensor itself
    assert repr(made[0]) == "Image([5., 2.])"
    assert type(made[0].as_subclass(ag.Tensor)) is ag.Tensor
    assert type(x) is type(ag.ones(2)) is ag.Tensor
    assert not isinstance(x, Image)


def test_a_subclass_may_construct_its_instances():
    class Named(ag.Tensor):
        def __new__(cls, data, title):
            return ag.Tensor._make_subclass(cls, ag.as_tensor(data))

        def __init__(self, data, title):
            super().__init__()
            self.title = title

    x = Named([1.0, 2.0], "a")
    assert (type(x), x.title, x.tolist()) == (Named, "a", [1, 2])

    class Slotted(ag.Tensor):
        __slots__ = ("title",)

    with pytest.raises(TypeError, match="without __slots__"):
        Slotted([1.0])


def test_members_that_programs_add_or_replace(monkeypatch):
    monkeypatch.setattr(ag.Tensor, "twice", lambda self, other: self * 2, raising=False)
    assert "twice" not in members.own_members()  # nobody is asked about it
    assert "sin" in members.own_members()
    assert type(image(2).twice(image(2, cls=Mask))) is Image

    class Switched(ag.Tensor):
        def requires_grad_(self, requires_grad=True):
            self.requires_grad = requires_grad
            return self

    assert image(2, cls=Switched).requires_grad_().requires_grad


def test_what_tensors_consist_of_is_kept():
    class Meta(ag.Tensor):
        @property
        def array(self):
            return self.numpy()

    x = image(2, cls=Meta)
    assert (x + 1).array.tolist() == [1, 2]


CALLS = (
    "x + 1", "1 - x", "p - x", "x @ p", "-x", "x > 1", "x == p", "~(x > 1)", "x[0]", "x[x > 1]", "x.T", "x.data",
    "x.sum()", "ag.sin(x)", "ag.add(p, x, alpha=2)", "ag.cat([p, x])", "ag.stack([x, p])", "ag.where(p > 1, x, p)",
    "ag.einsum('ij,jk', x, p)", "ag.zeros_like(x)", "ag.rand_like(x)", "ag.linalg.norm(x)", "x.reshape(4)",
    "x.view(4).view(2, 2)", "x.to(ag.float64)", "x.float()", "x.contiguous()", "x.detach()", "x.clone()",
    "x.new_zeros(2)", "F.relu(x)", "F.softmax(x, 1)", "F.linear(p, x)", "F.mse_loss(p, x)", "F.dropout(x, 0.5)",
    "x.add_(1)", "x.det()", "ag.det(x)", "x.masked_fill_(x > 1, 0)", "np.sin(x)", "np.sum(x)",
)  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_results_are_of_the_class(call):
    names = {"ag": ag, "F": F, "np": np, "p": ag.tensor([[1.0, 2], [4, 3]])}
    state = ag.get_rng_state()
    expected = eval(call, names | {"x": image(2, 2).as_subclass(ag.Tensor)})
    ag.set_rng_state(state)
    found = eval(call, names | {"x": image(2, 2)})
    assert type(found) is Image
    assert type(expected) is ag.Tensor
    assert ag.equal(found, expected)


def test_results_in_tuples_and_others():
    x = image(2, 2)
    top = ag.max(x, 1)
    assert (type(top.values), type(top.indices)) == (Image, Image)
    assert {type(part) for part in (*x.split(1), *x.unbind(), *ag.broadcast_tensors(x, ag.ones(2)), *x)} == {Image}
    assert type(x.shape) is ag.Size
    assert (x.ndim, x.size(0), x.tolist(), float(x.sum())) == (2, 2, [[0, 1], [2, 3]], 6)
    assert type(x.numpy()) is np.ndarray
    assert type(ag.tensor(x)) is ag.Tensor
    assert type(ag.as_tensor(x)) is Image


def test_precedence():
    x, y, p = image(2), image(2, cls=Photo), ag.ones(2)
    assert {type(t) for t in (x + y, y + x, ag.add(x, y), p * y, ag.cat([p, x, y]))} == {Photo}
    for call in (lambda: ag.mul(x, image(2, cls=Mask)), lambda: ag.cat([x, image(2, cls=Mask)])):
        with pytest.raises(TypeError, match=r"no implementation found for .*Image, Mask"):
            call()
    for other in (object(), image(2, cls=Mask)):
        with pytest.raises(TypeError, match="unsupported operand"):
            x + other


def test_what_is_asked_about_is_the_public_function(asked):
    x, p = image(2, 2, cls=Noting), ag.ones(2, 2)
    functions = {
        ag.add: lambda: ag.add(x, 1),
        ag.sum: lambda: ag.sum(x, dim=1),
        ag.Tensor.matmul: lambda: p @ x,
        ag.Tensor.sub: lambda: p - x,
        ag.Tensor.__rsub__: lambda: 1 - x,
        ag.Tensor.__eq__: lambda: x == p,
        ag.Tensor.__getitem__: lambda: x[0],
        ag.Tensor.__setitem__: lambda: p.__setitem__(0, x[0]),
        ag.Tensor.add_: lambda: x.__iadd__(1),
        ag.Tensor.det: x.det,
        ag.Tensor.shape.__get__: lambda: x.shape,
        ag.Tensor.backward: lambda: x.requires_grad_().sum().backward(),
        ag.grad: lambda: ag.grad(x.sum(), x),
        ag.stack: lambda: ag.stack([p, x]),
        ag.zeros_like: lambda: ag.zeros_like(x),
        F.cross_entropy: lambda: F.cross_entropy(x, ag.tensor([0, 1])),
        F.leaky_relu: lambda: F.leaky_relu(x, inplace=False),
    }
    for function, use in functions.items():
        use()
        assert asked[-1][0] == function
        asked.clear()
    ag.sum(x, dim=1)
    assert [(len(args), kwargs) for _, args, kwargs in asked] == [(1, {"dim": 1})]
    assert ag.Tensor.__getitem__.__name__ == "__getitem__"
    assert list(inspect.signature(F.relu).parameters) == ["input", "inplace"]


def test_functions_of_another_library_have_no_answer():
    def foreign(x):  # one that asks about itself, as PyTorch's do
        return type(x).__torch_function__(foreign, (type(x),), (x,))

    assert foreign(ag.ones(2)) is NotImplemented


def test_nobody_is_asked_inside_of_an_answer(asked):
    x = image(2, 2, cls=Noting)
    with DisableTorchFunctionSubclass():
        assert type(x.T) is type(x + 1) is type(F.mse_loss(x, x)) is ag.Tensor
    assert not asked
    found = []
    with DisableTorchFunctionSubclass():
        thread = threading.Thread(target=lambda: found.append(type(x + 1)))
        thread.start()
        thread.join()
    assert found == [Noting]


def test_gradients():
    x = Image([1.0, 2.0]).requires_grad_()
    seen = []
    x.register_hook(lambda g: seen.append(type(g)))
    y = (x * ag.tensor([3.0, 4.0])).sum()
    y.backward()
    (x**2).sum().backward()
    assert (type(x.grad), x.grad.tolist(), seen) == (ag.Tensor, [5, 8], [ag.Tensor] * 2)
    (g,) = ag.grad((x**3).sum(), x, create_graph=True)
    assert (type(g), g.tolist()) == (Image, [3, 12])
    assert ag.grad(g.sum(), x)[0].tolist() == [6, 12]
    with ag.no_grad():
        x -= 1
    assert (type(x), x.tolist(), x.is_leaf) == (Image, [0, 1], True)
    w = ag.ones(2, requires_grad=True)
    (w.as_subclass(Image) * 2).sum().backward()
    assert w.grad.tolist() == [2, 2]


class Square(ag.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return (2 * x * g).as_subclass(Mask)


@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_of_other_classes(create_graph):
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    y = Square.apply(x * 1) + x.as_subclass(Image)
    y.register_hook(lambda g: g.as_subclass(Mask) * 2)
    y.grad_fn.register_prehook(lambda gs: tuple([g.as_subclass(Photo) for g in gs]))
    y.backward(Image([1.0, 1.0]), create_graph=create_graph)
    assert (type(x.grad), x.grad.tolist()) == (ag.Tensor, [6, 10])


def test_writes_reach_views_and_bases():
    w = ag.ones(2, 2, requires_grad=True)
    x = (w * 1).as_subclass(Image)
    row = x[0]
    assert row._base is x._base
    row.mul_(3)
    x.add_(row)
    assert x.tolist() == [[6, 6], [4, 4]]
    x.sum().backward()
    assert w.grad.tolist() == [[9, 9], [1, 1]]
    leaf = Image(ag.zeros(3))
    before = leaf
    leaf[1:] = Image([1.0, 2.0])
    leaf += 1
    assert leaf is before
    out = ag.empty(3).as_subclass(Image)
    assert ag.add(leaf, leaf, out=out) is out
    assert out.tolist() == [2, 4, 6]
    plain = ag.zeros(3)
    plain.copy_(leaf)
    plain[0] = leaf[2]
    plain *= leaf
    assert plain.tolist() == [3, 4, 9]


def test_a_saved_operand_survives_a_write():
    w = ag.tensor([2.0, 3.0], requires_grad=True)
    x = (w * 1).as_subclass(Image)
    x.mul_(x)
    x.sum().backward()
    assert w.grad.tolist() == [4, 6]


class Boxes(ag.Tensor):
    """With an attribute that it always has, and that results of functions do not get."""

    def __new__(cls, data):
        made = ag.Tensor._make_subclass(cls, ag.tensor(data))
        made.format = "corners"
        return made

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        assert all(arg.format for arg in args if isinstance(arg, cls))
        with DisableTorchFunctionSubclass():
            result = func(*args, **(kwargs or {}))
        return result.as_subclass(ag.Tensor) if isinstance(result, cls) else result


@pytest.mark.parametrize("copied", [copy.copy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_are_complete_before_their_class_is_asked(copied):
    twin = copied(Boxes([1.0, 2.0]))
    assert (type(twin), twin.format, twin.tolist()) == (Boxes, "corners", [1, 2])


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies(copied):
    x = Image([1.0, 2.0]).requires_grad_()
    x.title = "a"
    twin = copied(x)
    assert (type(twin), twin.title, twin.requires_grad, twin.tolist()) == (Image, "a", True, [1, 2])
    twin.sum().backward()
    assert x.grad is None


def test_checkpoints_call_a_function_again_with_tensors_of_the_class():
    calls = []

    def function(x):
        calls.append((type(x), x.note))
        return (x[None] * x).sin()

    x = ag.tensor([1.0, 2.0], requires_grad=True).as_subclass(Image)
    x.note = "a note"
    y = checkpoint(function, x)
    x.note = "another"
    (gradient,) = ag.autograd.grad(y.sum(), x)
    assert calls == [(Image, "a note")] * 2
    assert ag.allclose(gradient, 2 * x * (x * x).cos())


def test_files_keep_the_class(tmp_path):
    photo, path = ag.tensor([1.0, 2.0]).as_subclass(Photo), tmp_path / "photo.pt"
    photo.note = "a note"
    ag.save({"photo": photo, "plain": photo.as_subclass(ag.Tensor), "parameter": nn.Parameter(photo)}, path)
    with pytest.raises(pickle.UnpicklingError, match="Photo"):
        ag.load(path)
    with ag.serialization.safe_globals([Photo]):
        read = ag.load(path)
    assert (type(read["photo"]), read["photo"].note, read["photo"].tolist()) == (Photo, "a note", [1, 2])
    assert (type(read["parameter"]), isinstance(read["parameter"], nn.Parameter)) == (Photo, True)
    assert type(read["plain"]) is ag.Tensor
    assert read["plain"].data_ptr() == read["photo"].data_ptr()


def test_a_parameter_may_be_asked_and_hand_on(asked):
    class Asked(nn.Parameter):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            ASKED.append((func, args, kwargs))
            return super().__torch_function__(func, types, args, kwargs)

    parameter = Asked(ag.ones(2))
    asked.clear()
    total = F.mse_loss(parameter * 2, ag.zeros(2))
    total.backward()
    assert (type(total), parameter.grad.tolist()) == (ag.Tensor, [4, 4])
    assert [func for func, _, _ in asked][:1] == [ag.mul]


@pytest.mark.parametrize("state", [{"_is_param": True, "note": 1}, ({"_is_param": True, "note": 1}, {"slot": 2})])
def test_files_of_pytorch_mark_parameters_of_a_class_by_an_attribute(state):
    make = ALLOWED["torch._tensor", "_rebuild_from_type_v2"]
    read = make(ag.tensor, Photo, ([1.0],), state)
    assert (type(read), isinstance(read, nn.Parameter), vars(read)) == (Photo, True, {"note": 1})
    assert (type(make(ag.tensor, Photo, ([1.0],), (None, {}))), type(make(ag.tensor, Mask, (1,), None))) == (
        Photo,
        Mask,
    )


def test_parameters():
    model = nn.Linear(2, 2)
    model.marked, model.image = Marked(ag.ones(2), "m"), nn.Parameter(Image([1.0, 2.0]))
    assert [type(p) for p in model.parameters()] == [ag.Tensor, ag.Tensor, Marked, Image]
    assert all(isinstance(p, nn.Parameter) for p in model.parameters())
    assert isinstance(model.marked, Marked)
    assert not isinstance(model.weight, Marked)
    assert issubclass(nn.Parameter, ag.Tensor)
    assert repr(model.marked) == "Parameter containing:\nMarked([1., 1.], requires_grad=True)"
    assert type(model.marked * 2) is type(F.relu(model.marked)) is ag.Tensor  # a parameter is not asked
    (model.marked * model.image).sum().backward()
    optim.SGD(model.parameters(), lr=1.0).step()
    assert (model.marked.tolist(), model.image.tolist()) == ([0, -1], [0, 1])
    twin = copy.deepcopy(model)
    assert (type(twin.marked), twin.marked.note, type(twin.image)) == (Marked, "m", Image)
    twin.load_state_dict({k: v * 2 for k, v in model.state_dict().items()})
    assert (type(twin.image), twin.image.tolist()) == (Image, [0, 2])
    assert type(nn.Buffer(Image([1.0]))) is Image


def test_captured_steps_ask_nobody(asked):
    weight = Marked(ag.ones(2))
    double = ag.capture(lambda x: (weight * x).detach().sum() * 2)
    scale = ag.capture(lambda x, scale: x * scale)
    for _ in range(5):
        assert double(ag.ones(2)).item() == 4
        assert type(scale(ag.ones(2), ag.tensor(2.0))) is ag.Tensor
        assert type(scale(ag.ones(2), ag.tensor(2.0).as_subclass(Noting))) is Noting
    assert double.source
    assert "__torch_function__" in scale.reasons[0]


class Traced(TorchFunctionMode):
    def __init__(self):
        self.seen = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.seen.append(func)
        return func(*args, **(kwargs or {}))


def test_threads_lead_functions_through_classes_once(monkeypatch):
    redirected = []

    def redirect(function, way):
        time.sleep(0.01 * (not redirected))
        redirected.append(id(function))

    ag.ones(1).as_subclass(Image)
    subclasses._prepare.cache_clear()
    subclasses._lead.cache_clear()
    leading.lead_through_classes.cache_clear()
    monkeypatch.setattr(leading, "redirect", redirect)
    monkeypatch.setattr(leading, "LISTENERS", [])
    threads = [threading.Thread(target=ag.ones(1).as_subclass, args=(Image,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(redirected) == len(set(redirected)) > 0


FIRST_USES = """
import autograd_core as ag
from autograd_core.overrides import TorchFunctionMode

class Traced(TorchFunctionMode):
    seen = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.seen.append(func)
        return func(*args, **(kwargs or {}))

x = ag.ones(3, dtype=ag.int64)
with Traced() as mode:
    ag.einsum("i->", x)
    x.lcm_(x)
assert mode.seen == [ag.einsum, ag.Tensor.lcm_], mode.seen
ag.einsum("i->", x)
assert len(mode.seen) == 2
"""


def test_modes_see_the_first_use_of_a_function():
    subprocess.run([sys.executable, "-c", FIRST_USES], check=True, timeout=120)


def test_modes():
    x = ag.ones(2)
    with Traced() as outer:
        x + 1
        x.shape
        F.cross_entropy(x, ag.softmax(x, 0))
        with Traced() as inner:
            x.add_(1)
        nn.Linear(2, 2)(x)
        threading.Thread(target=lambda: ag.cos(x)).start()
        image(2) + 1
    assert inner.seen == [ag.Tensor.add_]
    assert {ag.add, ag.Tensor.shape.__get__, F.cross_entropy, ag.softmax, F.linear, ag.arange} <= set(outer.seen)
    assert outer.seen.count(ag.Tensor.add_) == 1
    assert ag.cos not in outer.seen
    seen = len(outer.seen)
    ag.sin(x) + x.sum()
    assert len(outer.seen) == seen
    with pytest.raises(NotImplementedError), TorchFunctionMode():
        ag.sin(x)


def test_brackets_ask_subclasses_among_the_positions():
    class Places(ag.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return func.__name__

    x, places = ag.ones(3), ag.tensor([1]).as_subclass(Places)
    assert {x[places], x[..., places]} == {"__getitem__"}
    assert ag.index_put(x, (places,), x[:1]) == "index_put"
    x[places] = 2.0
    assert x.tolist() == [1, 1, 1]
    assert type(x[ag.tensor([1]).as_subclass(Image)]) is Image


def test_errors_name_the_line_that_wrote():
    image(2)
    for program in ("b += 1", "b[0] = 2", "b.fill_(2)", "b.uniform_()"):
        b, a = ag.ones(1), ag.ones(1, requires_grad=True)
        y = a * b
        exec(compile("\n\n" + program, "there.py", "exec"), {"b": b})
        with pytest.raises(InplaceError, match=re.escape("there.py:3")):
            y.backward()


class Declining(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        assert has_torch_function((args[0],)) is bool(types)
        return NotImplemented


def test_classes_are_asked_where_a_mode_declines():
    class Named(ag.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return func.__name__

    x, named = ag.ones(2), ag.ones(2).as_subclass(Named)
    with Declining():
        assert (ag.sin(named), named + 1, named[0]) == ("sin", "add", "__getitem__")
        assert has_torch_function((x,))
        with pytest.raises(TypeError, match="no implementation found for 'sin'"):
            ag.sin(x)
