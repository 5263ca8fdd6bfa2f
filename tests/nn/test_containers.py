"""Containers of modules and of parameters."""

from collections import OrderedDict

import pytest

import autograd_core as ag
import nn


def test_sequential_is_a_sequence():
    a, b, c = nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)
    m = nn.Sequential(a, b)
    assert m.append(c) is m
    assert list(m) == [a, b, c]
    assert (m[0], m[-1], len(m)) == (a, c, 3)
    assert list(m[1:]) == [b, c]
    assert list(m[1:].state_dict()) == ["2.weight", "2.bias"]
    x = ag.randn(4, 2)
    assert m(x).tolist() == c(b(a(x))).tolist()
    m.insert(1, nn.Tanh())
    assert [type(layer).__name__ for layer in m] == ["Linear", "Tanh", "ReLU", "Linear"]
    assert list(m.state_dict()) == ["0.weight", "0.bias", "3.weight", "3.bias"]
    del m[1]
    assert m.pop(-1) is c
    m[1] = nn.Sigmoid()
    assert repr(m[1]) == "Sigmoid()"
    m.extend([c])
    m += [b]
    assert [name for name, _ in m.named_children()] == ["0", "1", "2", "3"]
    assert len(m + nn.Sequential(a)) == 5
    assert b in m
    with pytest.raises(IndexError, match="index 5 is out of range"):
        m[5]
    with pytest.raises(IndexError, match="out of range"):
        m.insert(9, b)
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        m.append(3)


def test_sequential_keeps_given_names():
    m = nn.Sequential(OrderedDict(first=nn.Linear(1, 2), act=nn.ReLU()))
    assert list(m.state_dict()) == ["first.weight", "first.bias"]
    assert m.first is m[0]
    assert list(m[:1].state_dict()) == ["first.weight", "first.bias"]


def test_module_list_registers_and_renumbers():
    layers = nn.ModuleList(nn.Linear(1, 1) for _ in range(3))
    second = layers[1]
    del layers[0]
    assert layers[0] is second
    assert list(layers.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert isinstance(layers[:1], nn.ModuleList)
    with pytest.raises(NotImplementedError):
        layers(ag.ones(1))


def test_module_dict():
    m = nn.ModuleDict({"a": nn.Linear(1, 1), "b": nn.ReLU()})
    m["c"] = nn.Tanh()
    assert list(m) == list(m.keys()) == ["a", "b", "c"]
    assert (len(m), "b" in m) == (3, True)
    assert m.pop("b") not in m.values()
    assert [name for name, _ in m.items()] == ["a", "c"]
    assert list(m.state_dict()) == ["a.weight", "a.bias"]
    m.update(nn.ModuleDict({"longer": nn.ReLU()}))
    assert list(nn.ModuleDict(m)) == ["a", "c", "longer"]


def test_a_parameter_is_appended_to_a_list_not_its_rows():
    values = nn.ParameterList()
    with pytest.raises(TypeError, match="append"):
        values += nn.Parameter(ag.ones(2))
    assert len(values) == 0


def test_an_empty_container_does_not_call_what_subclasses_override():
    class Named(nn.ModuleDict):
        def __init__(self, modules):
            super().__init__()
            self.prefix = "x_"
            self.update(modules)

        def update(self, modules):
            for name, module in modules.items():
                self[self.prefix + name] = module

    class Doubled(nn.ParameterList):
        def __init__(self, values):
            super().__init__()
            self.factor = 2
            self.extend(values)

        def extend(self, values):
            return super().extend([self.factor * v for v in values])

    assert list(Named({"a": nn.ReLU()})) == ["x_a"]
    assert Doubled([ag.ones(1)])[0].item() == 2


def test_parameter_list_and_dict():
    values = nn.ParameterList([ag.ones(2), nn.Parameter(ag.zeros(1))])
    assert all(isinstance(p, nn.Parameter) for p in values)
    values[1] = ag.ones(3)
    assert [p.shape for p in values.parameters()] == [(2,), (3,)]
    assert list(values.state_dict()) == ["0", "1"]
    assert len(values[1:]) == 1
    assert repr(values).splitlines()[1] == "    (0): Parameter containing: [float32 of size 2]"  # as PyTorch indents it
    named = nn.ParameterDict({"w": ag.ones(2, 2)})
    named["v"] = ag.ones(1)
    assert repr(named).splitlines()[1] == "    (w): Parameter containing: [torch.FloatTensor of size 2x2]"
    assert list(named) == list(named.keys()) == ["w", "v"]
    del named["w"]
    assert list(named.state_dict()) == ["v"]
    assert [p.shape for p in named.values()] == [p.shape for _, p in named.items()] == [(1,)]
    assert ("v" in named, len(named), named["v"].requires_grad) == (True, 1, True)


def test_a_dictionary_of_parameters_is_one():
    d = nn.ParameterDict({"a": ag.ones(2), "b": ag.zeros(1)})
    a = d["a"]
    assert isinstance(d.setdefault("c", ag.ones(3)), nn.Parameter)
    assert (d.get("z", 5), list(d.copy())) == (5, ["a", "b", "c"])
    assert d.get("a") is d.pop("a") is a
    assert list((d | {"e": ag.ones(1)}).state_dict()) == ["b", "c", "e"]
    d |= {"c": ag.zeros(4)}
    assert len(list(d.parameters())) == 2
    assert [tuple(p.shape) for p in d.fromkeys("xy", ag.ones(2)).parameters()] == [(2,), (2,)]
    assert d == d != d.copy()
    d.clear()
    assert not list(d.parameters())
    modules = nn.ModuleDict({"x": nn.ReLU()})
    modules.clear()
    assert len(modules) == len(nn.ModuleList(None)) == len(nn.ParameterList(None)) == 0


def test_data_parallel_is_the_module_under_a_name():
    inner = nn.Linear(2, 1)
    model = nn.DataParallel(inner, device_ids=[0, 1])
    x = ag.ones(3, 2)
    assert model.module is inner
    assert list(model.state_dict()) == ["module.weight", "module.bias"]
    assert ag.equal(model(x), inner(x))
    assert ag.equal(nn.utils.stateless.functional_call(inner, dict(inner.named_parameters()), x), inner(x))


def test_parameter_containers_keep_other_values_as_they_are():
    values = nn.ParameterList([ag.ones(2), 3, nn.Linear(1, 1)])
    values.append(None)
    assert (len(values), values[1], values[-1], values[1:2][0]) == (4, 3, None, 3)
    assert list(values.state_dict()) == ["0", "2.weight", "2.bias"]
    assert "(1): Object of type: int" in repr(values)
    values[1] = ag.zeros(1)
    assert list(values.state_dict()) == ["0", "1", "2.weight", "2.bias"]
    named = nn.ParameterDict({"a": ag.ones(2), "b": 5})
    named["a"], named["b"] = "none", ag.ones(1)
    assert ([*named], named["a"], list(named.state_dict())) == (["a", "b"], "none", ["b"])
    del named["a"]
    assert [*named] == ["b"]
    with pytest.raises(KeyError):
        named["a"]


def test_trees_of_tensors_are_split_over_devices_and_joined():
    from autograd_core.nn.parallel.scatter_gather import gather, scatter

    x = ag.arange(6.0)
    halves = scatter(x, ["cpu", "cpu"])
    assert (type(halves), [half.tolist() for half in halves]) == (tuple, [[0, 1, 2], [3, 4, 5]])
    parts = scatter({"x": x.reshape(2, 3), "rest": (3, None)}, ["cpu"] * 3, dim=1)
    assert [part["x"].tolist() for part in parts] == [[[0], [3]], [[1], [4]], [[2], [5]]]
    assert all(part["rest"] == (3, None) for part in parts)
    assert scatter([], ["cpu"] * 2) == [[], []]
    assert gather([part["x"] for part in parts], "cpu", dim=1).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert gather([(ag.tensor(1.0), None), (ag.tensor(2.0), None)], "cpu")[0].tolist() == [1, 2]
