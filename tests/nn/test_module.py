"""Modules: what they own, hooks, modes, and how they read."""

import copy
import inspect
import math
import pickle

import pytest

import autograd_core as ag
import nn


def small():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1, bias=False))


class Owner(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(ag.ones(2))
        self.part = nn.Linear(2, 2)
        self.register_buffer("seen", ag.zeros(2))
        self.register_buffer("scratch", ag.zeros(2), persistent=False)

    def forward(self, x):
        return self.part(x) * self.weight


def test_parameter_is_a_marked_tensor_on_the_same_storage():
    data = ag.ones(2)
    p = nn.Parameter(data)
    assert type(p) is ag.Tensor
    assert isinstance(p, nn.Parameter)
    assert not isinstance(data, nn.Parameter)
    assert p.requires_grad
    assert p.array is data.array
    assert not nn.Parameter(data, requires_grad=False).requires_grad
    assert repr(p) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"
    with pytest.raises(RuntimeError, match="floating point"):
        nn.Parameter(ag.tensor([1, 2]))


def test_attributes_register_parts():
    m = Owner()
    assert [n for n, _ in m.named_parameters()] == ["weight", "part.weight", "part.bias"]
    assert [n for n, _ in m.named_parameters(recurse=False)] == ["weight"]
    assert [n for n, _ in m.named_buffers()] == ["seen", "scratch"]
    assert m._non_persistent_buffers_set == {"scratch"}
    assert [n for n, _ in m.named_modules()] == ["", "part"]
    assert list(m.children()) == [m.part]
    assert list(m.state_dict()) == ["weight", "seen", "part.weight", "part.bias"]
    m.part = nn.Linear(2, 1)
    assert m.get_parameter("part.weight").shape == (1, 2)
    m.weight = None
    assert "weight" not in dict(m.named_parameters())
    m.seen = ag.ones(2)
    assert m.get_buffer("seen") is m.seen
    del m.part, m.seen
    assert list(m.state_dict()) == []
    assert not hasattr(m, "part")
    m.scratch = nn.Parameter(ag.ones(1))
    assert list(m.state_dict()) == ["scratch"]
    assert list(m.named_buffers()) == []


def test_a_property_stays_in_front_of_a_parameter_of_its_name():
    class Curved(nn.Module):
        def __init__(self):
            super().__init__()
            self.curvature = nn.Parameter(ag.ones(1))
            self.raw = self._parameters.pop("curvature")

        @property
        def curvature(self):
            return self.raw.exp()

    m = Curved()
    assert list(dict(m.named_parameters())) == ["raw"]
    assert m.curvature.item() == pytest.approx(math.e)


def test_a_property_without_its_attributes_shows_the_part_of_its_name():
    class Leaky(nn.Module):
        def __init__(self, decay):
            super().__init__()
            self.register_buffer("decay", ag.tensor(decay))

    class Slow(Leaky):
        def __init__(self, decay):
            super().__init__(decay)
            self.before = self.decay.item()
            self.tau = nn.Parameter(1 / (1 - self.decay))

        @property
        def decay(self):
            """How much remains."""
            return 1 - 1 / self.tau

    for m in (Slow(0.75), copy.deepcopy(Slow(0.75))):
        assert (m.before, m.tau.item(), m.decay.item()) == (0.75, 4.0, 0.75)
        assert list(m.state_dict()) == ["tau", "decay"]
        m.tau = nn.Parameter(ag.tensor(2.0))
        assert (m.decay.item(), m._buffers["decay"].item()) == (0.5, 0.75)
    assert Slow.decay.__doc__ == "How much remains."
    assert Leaky(0.75).decay.item() == 0.75


def test_shared_parts_are_listed_once():
    layer = nn.Linear(2, 2)
    tied = nn.Linear(2, 2)
    tied.weight = layer.weight
    m = nn.Sequential(layer, layer, tied)
    assert len(list(m.parameters())) == 3
    assert len(list(m.modules())) == 3
    assert len(list(m.children())) == 2
    assert [n for n, _ in m.named_parameters(remove_duplicate=False)][:4] == [
        "0.weight",
        "0.bias",
        "1.weight",
        "1.bias",
    ]
    assert len(m.state_dict()) == 6


def test_members_that_a_program_finds_in_each_module():
    inner = nn.Linear(2, 3)
    model = nn.Sequential(inner, nn.ReLU(), inner)

    def widths(module):
        return [("width", [module.out_features])] if hasattr(module, "out_features") else [("none", None)]

    assert list(model._named_members(widths)) == [("0.width", [3])]
    assert list(model._named_members(widths, "m", remove_duplicate=False)) == [("m.0.width", [3]), ("m.2.width", [3])]
    assert list(model._named_members(widths, recurse=False)) == []


def test_other_bases_see_attributes_that_are_no_parts():
    class Noting:
        def __setattr__(self, name, value):
            object.__setattr__(self, name, value)
            seen.append(name)

        def __delattr__(self, name):
            object.__delattr__(self, name)
            seen.append(f"no {name}")

    class Layer(nn.Module, Noting):
        pass

    seen = []
    layer = Layer()
    seen.clear()
    layer.weight, layer.rate = nn.Parameter(ag.ones(1)), 0.5
    del layer.rate
    assert seen == ["rate", "no rate"]


def test_none_in_place_of_a_parameter_is_registered_too():
    class Noting(nn.Module):
        def register_parameter(self, name, param):
            super().register_parameter(name, param)
            seen.append((name, param is None))

    seen, module = [], Noting()
    module.a = nn.Parameter(ag.ones(1))
    module.b = nn.Parameter(ag.ones(1))
    module.a = None
    assert seen == [("a", False), ("b", False), ("a", True)]
    module.a = nn.Parameter(ag.ones(2))
    assert [name for name, _ in module.named_parameters()] == ["a", "b"]


def test_assigned_parameters_are_registered_by_a_function_that_programs_replace(monkeypatch):
    register, seen = nn.Module.register_parameter, []

    def replaced(module, name, parameter):
        register(module, name, parameter)
        seen.append(name)
        kind = type(module._parameters[name])
        module._parameters[name] = kind(module._parameters[name].to("meta"), requires_grad=parameter.requires_grad)

    monkeypatch.setattr(nn.Module, "register_parameter", replaced)
    layer = nn.Linear(2, 3)
    assert seen == ["weight", "bias"]
    assert all(isinstance(p, nn.Parameter) and p.is_meta and p.requires_grad for p in layer.parameters())
    assert layer.weight is layer._parameters["weight"]


@pytest.mark.parametrize(
    "action, error, message",
    [
        (lambda m: setattr(m, "weight", ag.ones(2)), TypeError, "as parameter 'weight' .* under no_grad"),
        (lambda m: setattr(m, "weight", nn.ReLU()), TypeError, "cannot assign 'ReLU' as parameter 'weight'"),
        (lambda m: setattr(m, "part", 3), TypeError, "cannot assign 'int' as child module 'part'"),
        (lambda m: setattr(m, "part", nn.Buffer(ag.ones(1))), TypeError, "'Tensor' as child module 'part'"),
        (lambda m: setattr(m, "training", nn.Buffer(ag.ones(1))), KeyError, "attribute 'training' already exists"),
        (lambda m: setattr(m, "seen", 3), TypeError, "as buffer 'seen'"),
        (lambda m: m.register_parameter("a.b", None), KeyError, "contain"),
        (lambda m: m.register_parameter("", None), KeyError, "empty string"),
        (lambda m: m.register_buffer("training", None), KeyError, "'training' already exists"),
        (lambda m: m.add_module("weight", nn.ReLU()), KeyError, "'weight' already exists"),
        (lambda m: m.add_module("x", 3), TypeError, "int is not a Module subclass"),
        (lambda m: m.register_parameter("x", 3), TypeError, "object to parameter 'x'"),
        (lambda m: m.register_buffer("x", 3), TypeError, "object to buffer 'x'"),
        (lambda m: m.register_buffer(3, None), TypeError, "should be a string"),
        (lambda m: m.missing, AttributeError, "'Owner' object has no attribute 'missing'"),
        (lambda m: m.get_submodule("part.x"), AttributeError, "Linear has no submodule `x` .looking up 'part.x'"),
        (lambda m: m.get_parameter("part.x"), AttributeError, "Linear has no parameter `x`"),
        (lambda m: m.train(1), ValueError, "boolean"),
        (lambda m: nn.Module()(1), NotImplementedError, r"Module \[Module\] is missing"),
    ],
)
def test_misuse_is_named(action, error, message):
    with pytest.raises(error, match=message):
        action(Owner())


@pytest.mark.parametrize("part, kind", [(nn.ReLU(), "module"), (nn.Parameter(ag.ones(1)), "parameters")])
def test_assigning_a_part_before_init_is_named(part, kind):
    class Hasty(nn.Module):
        def __init__(self):
            self.part = part

    with pytest.raises(AttributeError, match=rf"cannot assign {kind} before .*; call super"):
        Hasty()


def test_hooks_see_and_replace():
    m, calls = nn.Linear(1, 1), []
    with ag.no_grad():
        m.weight.fill_(2.0)
        m.bias.fill_(0.0)
    seen = m.register_forward_hook(lambda module, args, output: calls.append((module, args, output)))
    doubled = m.register_forward_pre_hook(lambda module, args: args[0] * 2)
    plus = m.register_forward_hook(lambda module, args, output: output + 1)
    x = ag.tensor([[3.0]])
    assert m(x).item() == 13.0
    ((module, args, output),) = calls
    assert module is m
    assert args[0].item() == 6.0
    assert output.item() == 12.0
    plus.remove()
    doubled.remove()
    assert m(x).item() == 6.0
    seen.remove()
    assert m(x).item() == 6.0
    assert len(calls) == 2


def test_modes_reach_every_module():
    m = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)))
    assert m.eval() is m
    assert [module.training for module in m.modules()] == [False] * 4
    x = ag.ones(50)
    assert m(x).tolist() == x.tolist()
    assert 0.0 in m.train()(x).tolist()


def test_zero_grad_and_requires_grad():
    m = nn.Linear(2, 1)
    m(ag.ones(1, 2)).sum().backward()
    kept = m.weight.grad
    m.zero_grad(set_to_none=False)
    assert m.weight.grad.tolist() == [[0.0, 0.0]]
    assert kept.tolist() == [[0.0, 0.0]]
    m.zero_grad()
    assert m.weight.grad is None
    m.requires_grad_(False)
    assert not m(ag.ones(1, 2)).requires_grad


def test_apply_visits_children_first():
    m, order = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU())), []
    m.apply(lambda module: order.append(type(module).__name__))
    assert order == ["Linear", "ReLU", "Sequential", "Sequential"]


def test_a_module_may_print_under_another_name():
    class Renamed(nn.Sequential):
        def _get_name(self):
            return "Stem"

    assert repr(Renamed(nn.ReLU())) == "Stem(\n  (0): ReLU()\n)"


def test_nested_model_reads_as_in_pytorch():
    m = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(6),
        nn.Sequential(nn.Flatten(), nn.Linear(10, 3, bias=False)),
        nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.Tanh()]),
        nn.ModuleDict({"a": nn.Softmax(dim=1)}),
    )
    assert repr(m) == (
        "Sequential(\n"
        "  (0): Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))\n"
        "  (1): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)\n"
        "  (2): BatchNorm2d(6, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)\n"
        "  (3): Sequential(\n"
        "    (0): Flatten(start_dim=1, end_dim=-1)\n"
        "    (1): Linear(in_features=10, out_features=3, bias=False)\n"
        "  )\n"
        "  (4): ModuleList(\n"
        "    (0-1): 2 x Linear(in_features=2, out_features=2, bias=True)\n"
        "    (2): Tanh()\n"
        "  )\n"
        "  (5): ModuleDict(\n"
        "    (a): Softmax(dim=1)\n"
        "  )\n"
        ")"
    )
    assert repr(nn.Sequential()) == "Sequential()"


def test_parts_are_exchanged_in_the_registries_too():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    for copied in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model)), copy.copy(model)):
        new, norm = nn.Linear(2, 3, bias=False), copied[1]
        copied._modules["0"] = new
        norm._parameters.update(weight=nn.Parameter(ag.full((3,), 2.0)), bias=None)
        norm._buffers["running_mean"] = ag.ones(3)
        assert getattr(copied, "0") is new
        assert (norm.weight.tolist(), norm.bias, norm.running_mean.tolist()) == ([2.0] * 3, None, [1.0] * 3)
        assert list(copied.state_dict())[:2] == ["0.weight", "1.weight"]
        assert norm._parameters.pop("weight") is not None
        del norm._parameters["bias"]
        assert not hasattr(norm, "weight")
        assert norm._parameters.pop("bias", "none there") == "none there"
    clone = copy.copy(model)
    clone._modules = clone._modules.copy()  # as programs do that train a clone
    clone._modules["0"] = new = nn.Identity()
    assert getattr(clone, "0") is new is not getattr(model, "0")
    layer = nn.Linear(1, 1)
    object.__setattr__(layer, "_parameters", {"weight": "a placeholder"})  # past the method of the module
    assert (layer.weight, hasattr(layer, "bias")) == ("a placeholder", False)
    layer._parameters["weight"] = weight = ag.ones(1, 1)
    assert layer.weight is weight
    registry = nn.Linear(1, 1)._parameters
    registry["weight"] = registry.pop("weight")  # of a module that is gone
    assert list(registry) == ["bias", "weight"]


class Frozen(nn.Linear):
    """Stays in evaluation mode, and keeps a tensor that is no buffer."""

    def __init__(self):
        super().__init__(2, 2)
        self.scale = ag.ones(2)

    def train(self, mode=True):
        return super().train(False)

    def _apply(self, fn):
        self.scale = fn(self.scale)
        return super()._apply(fn)

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[prefix + "scale"] = self.scale


def test_submodules_with_methods_of_their_own():
    model = nn.Sequential(nn.Sequential(Frozen()), nn.Dropout()).train().double()
    assert [m.training for m in model.modules()] == [True, True, False, True]
    assert model[0][0].scale.dtype == ag.float64
    assert list(model.state_dict()) == ["0.0.weight", "0.0.bias", "0.0.scale"]


@pytest.mark.parametrize("changed", range(4))
def test_neighbours_are_not_computed_together_if_one_has_a_forward_of_its_own(changed):
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.ReLU(), nn.Identity()).eval()
    x, layer = ag.randn(1, 1, 4, 4), model[changed]
    layer.forward = lambda x, forward=layer.forward: forward(x) + 1
    layer.register_forward_hook(lambda *_: None).remove()
    y = x
    for part in model:
        y = part(y)
    assert ag.allclose(model(x), y)


def test_parts_that_subclasses_override():
    class Encoder(nn.TransformerEncoderLayer):
        def _sa_block(self, x, *masks):
            return 0 * x

        def _ff_block(self, x):
            return super()._ff_block(x) * 0

    class Decoder(nn.TransformerDecoderLayer):
        def _mha_block(self, x, mem, *masks):
            return 0 * x

    class AnyShape(nn.modules._BatchNorm):
        def _check_input_dim(self, input):
            pass

    x = ag.randn(3, 2, 4)
    encoder, decoder = Encoder(4, 2, 8), Decoder(4, 2, 8, dropout=0.0)
    assert ag.allclose(encoder(x), encoder.norm2(encoder.norm1(x)))
    assert ag.equal(decoder(x, ag.zeros(5, 2, 4)), decoder(x, ag.ones(5, 2, 4)))
    assert AnyShape(2)(ag.randn(3, 2, 1, 1, 1, 1)).shape == (3, 2, 1, 1, 1, 1)


def test_attributes_looked_up_by_super():
    class Wrapper(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(super().__getattr__("inner"), name)

    class Mixin:
        def __getattr__(self, name):
            return super().__getattr__(name.removeprefix("my_"))

    class Mixed(Mixin, nn.Sequential):
        pass

    class Derived(Mixed):
        pass

    layer = nn.Linear(2, 3)
    wrapped = Wrapper(layer)
    assert (wrapped.weight, wrapped.in_features, wrapped.inner) == (layer.weight, 2, layer)
    assert Derived(layer).my_training
    for module in (wrapped, Derived(layer)):
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            module.nothing
    assert not hasattr(nn.Linear, "__getattr__")


@pytest.mark.parametrize("own", [False, True], ids=["plain", "with __getattr__"])
def test_a_part_replaces_a_plain_attribute(own):
    class Net(nn.Module):
        if own:

            def __getattr__(self, name):
                return super().__getattr__(name)

        def __init__(self):
            super().__init__()
            self.block = self.scale = None
            self.block, self.scale = nn.Linear(2, 2), nn.Parameter(ag.ones(1))

    net = Net()
    assert isinstance(net.block, nn.Linear)
    assert list(net.state_dict()) == ["scale", "block.weight", "block.bias"]
    assert net.scale.requires_grad
    net.block = None
    assert net.block is None
    net.block = nn.Identity()
    assert isinstance(net.block, nn.Identity)


def test_modules_that_call_getattr_by_name_have_it():
    class Named(nn.Module):
        def part(self, name):
            return self.__getattr__(name)

    class Scale(Named):
        def __init__(self):
            super().__init__()
            self.factor = nn.Parameter(ag.ones(1))

    module = Scale()
    assert module.part("factor") is module.factor is dict(module.named_parameters())["factor"]
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        module.part("nothing")


def test_attributes_of_a_class_are_asked_nothing():
    class Settings(dict):
        __getattr__ = dict.__getitem__

        def __missing__(self, name):
            self[name] = Settings()
            return self[name]

    class Configured(nn.Module):
        settings = Settings()

    assert Configured().settings == {}


def test_documentation_of_a_layer_includes_what_its_private_base_says():
    class _Base(nn.Module):
        """Base of these.

        Two numbers.
        """

    class Plain(_Base):
        """A layer."""

    class Silent(_Base):
        pass

    assert inspect.getdoc(Plain) == "A layer.\n\nTwo numbers."
    assert vars(Silent)["__doc__"] is None
    assert "Ioffe and Szegedy 2015" in nn.BatchNorm2d.__doc__


def test_modules_with_getattr_are_asked_for_their_parts():
    class Asked(nn.Module):
        def __init__(self):
            super().__init__()
            self.names = []
            self.weight = nn.Parameter(ag.ones(2))
            self.inner = nn.Linear(2, 1)
            self.register_buffer("seen", ag.zeros(1))

        def __getattr__(self, name):
            found = super().__getattr__(name)
            self.names.append(name)
            return found

    module = Asked()
    module.names.clear()
    assert (module.weight.shape, module.inner.in_features, module.seen.item()) == ((2,), 2, 0)
    assert module.names == ["weight", "inner", "seen"]
    module.weight = nn.Parameter(ag.zeros(3))
    assert module.weight.shape == module._parameters["weight"].shape == (3,)
    for copied in (copy.deepcopy(module), copy.copy(module)):
        copied.names = []
        assert (copied.weight.shape, copied.names) == ((3,), ["weight"])
        del copied.weight
        assert [name for name, _ in copied.named_parameters()] == ["inner.weight", "inner.bias"]
        with pytest.raises(AttributeError, match="no attribute 'weight'"):
            copied.weight
    assert module.half().weight.dtype == ag.float16
    module.load_state_dict(module.state_dict())


def test_buffers_by_assignment():
    module = nn.Module()
    module.mean = nn.Buffer(ag.ones(2))
    module.mask = nn.Buffer(ag.zeros(2), persistent=False)
    assert [name for name, _ in module.named_buffers()] == ["mean", "mask"]
    assert list(module.state_dict()) == ["mean"]
    module.mean = ag.zeros(2)
    assert list(module.state_dict()) == ["mean"]
    assert isinstance(nn.Buffer(), nn.Buffer)
    assert not isinstance(module.mean, nn.Parameter)
