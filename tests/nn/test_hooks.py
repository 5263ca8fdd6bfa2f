"""Hooks forward and backward, as PyTorch calls them."""

import copy
import weakref
from collections import OrderedDict
from functools import partial

import pytest

import autograd_core as ag
import nn
from autograd_core.errors import InplaceError
from nn import hooks


class Two(nn.Module):
    def forward(self, a, b, scale=1.0):
        return a * b * scale, {"sum": a + b}


def pair():
    return ag.tensor([2.0, 3.0], requires_grad=True), ag.tensor([5.0, 7.0], requires_grad=True)


def test_outputs_are_freed_although_their_graph_lives():
    module, sizes = nn.Linear(2, 3), []
    module.register_full_backward_hook(lambda m, gi, go: sizes.append(go[0].shape))
    y = module(ag.ones(4, 2))
    gone, loss = weakref.ref(y), y.sum()
    del y
    assert gone() is None
    loss.backward()
    assert sizes == [(4, 3)]


def test_backward_hooks_see_all_gradients_of_inputs_and_outputs():
    module, seen = Two(), []
    module.register_full_backward_hook(lambda m, gi, go: seen.append((m, gi, go)))
    module.register_full_backward_pre_hook(lambda m, go: seen.append((m, go)))
    a, b = pair()
    y, rest = module(a, b)
    (y.sum() + 10 * rest["sum"].sum()).backward()
    (m1, before), (m2, gi, go) = seen
    assert m1 is m2 is module
    assert [g.tolist() for g in before] == [g.tolist() for g in go] == [[1, 1], [10, 10]]
    assert [g.tolist() for g in gi] == [a.grad.tolist(), b.grad.tolist()] == [[15, 17], [12, 13]]


def test_backward_hooks_replace_gradients_and_are_removed():
    linear = nn.Linear(2, 1, bias=False)
    linear.weight.data = ag.tensor([[3.0, 4.0]])
    x = ag.tensor([[1.0, 2.0]], requires_grad=True)
    handles = [
        linear.register_full_backward_pre_hook(lambda m, go: (go[0] * 10,)),
        linear.register_full_backward_hook(lambda m, gi, go: (gi[0] + go[0],)),
        linear.register_full_backward_hook(lambda m, gi, go: (2 * gi[0],), prepend=True),
    ]
    linear(x).sum().backward()
    assert linear.weight.grad.tolist() == [[10, 20]]
    assert x.grad.tolist() == [[2 * 30 + 10, 2 * 40 + 10]]
    for handle in handles:
        handle.remove()
    assert linear._hooks is None
    linear.register_full_backward_hook(lambda m, gi, go: (None, None))
    with pytest.raises(RuntimeError, match="of Linear returned 2 gradients for 1 arguments"):
        linear(x).sum().backward()
    linear.register_full_backward_pre_hook(lambda m, go: ())
    with pytest.raises(RuntimeError, match="of Linear returned 0 gradients for 1 outputs"):
        linear(x).sum().backward()


def test_backward_hooks_without_gradients_of_inputs_and_of_higher_order():
    seen = []
    linear = nn.Linear(2, 1)
    linear.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go[0].tolist())))
    linear(ag.ones(1, 2)).sum().backward()
    assert seen == [((None,), [[1.0]])]
    cube = Two()
    cube.register_full_backward_hook(lambda m, gi, go: tuple(2 * g for g in gi))
    z = ag.tensor(2.0, requires_grad=True)
    (g,) = ag.autograd.grad(cube(z, z)[0], z, create_graph=True)
    (gg,) = ag.autograd.grad(g, z)
    assert (g.item(), gg.item()) == (8.0, 4.0 * 1)  # z² once, doubled by the hook: 4z, whose derivative is 4
    with ag.no_grad():
        assert not linear(ag.ones(1, 2)).requires_grad


def test_keywords_order_and_failures():
    module, calls = Two(), []

    def first(m, args, kwargs):
        calls.append("first")
        return (args[0] + 1, args[1]), {"scale": kwargs["scale"] * 2}

    module.register_forward_pre_hook(lambda m, args: calls.append("second"))
    module.register_forward_pre_hook(first, prepend=True, with_kwargs=True)
    module.register_forward_hook(lambda m, args, kwargs, y: (y[0], kwargs["scale"]), with_kwargs=True)
    module.register_forward_hook(lambda m, args, y: calls.append("third"), prepend=True)
    y, scale = module(ag.tensor(1.0), ag.tensor(3.0), scale=5.0)
    assert (y.item(), scale, calls) == (2 * 3 * 10, 10.0, ["first", "second", "third"])
    bad = Two()
    bad.register_forward_pre_hook(lambda m, args, kwargs: args, with_kwargs=True)
    with pytest.raises(RuntimeError, match=r"must return None or \(args, kwargs\)"):
        bad(1.0)


def failed(*_):
    raise ArithmeticError("failed")


@pytest.mark.parametrize("where", ["before", "within", "after"])
def test_some_hooks_are_called_whatever_fails(where):
    calls, module = [], Two()
    module.register_forward_pre_hook(failed if where == "before" else lambda m, args: None)
    module.register_forward_hook(lambda m, args, y: y * 2)
    if where == "within":
        module.forward = failed
    if where == "after":
        module.register_forward_hook(failed)
    module.register_forward_hook(lambda m, args, y: calls.append("never"))
    module.register_forward_hook(failed, always_call=True)
    module.register_forward_hook(lambda m, args, y: calls.append(y), always_call=True)
    with pytest.raises(ArithmeticError), pytest.warns(UserWarning, match=r"raised ArithmeticError\('failed'\) after"):
        module(1.0, 2.0)
    assert calls == [2 * (2.0, {"sum": 3.0}) if where == "after" else None]


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.count = nn.Linear(1, 1), 0

    def get_extra_state(self):
        return {"count": self.count}

    def set_extra_state(self, state):
        self.count = state["count"]


def test_extra_state_is_saved_and_loaded_with_the_rest():
    a, b = nn.Sequential(Counting()), nn.Sequential(Counting())
    a[0].count = 7
    state = a.state_dict(destination={"other": 1}, prefix="m.")
    assert list(state) == ["other", "m.0._extra_state", "m.0.inner.weight", "m.0.inner.bias"]
    assert list(state)[1].endswith(nn.modules.module._EXTRA_STATE_KEY_SUFFIX)  # to which programs compare keys
    b.load_state_dict(a.state_dict())
    assert b[0].count == 7
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "0._extra_state"'):
        b.load_state_dict({k: v for k, v in a.state_dict().items() if "extra" not in k})


def test_extra_state_that_only_one_side_knows():
    class Giving(nn.Module):
        def get_extra_state(self):
            return 5

    class Taking(nn.Module):
        def set_extra_state(self, state):
            self.state = state

    for model, what in ((Giving(), "Unexpected"), (Taking(), "Missing")):
        with pytest.raises(RuntimeError, match=rf'{what} key\(s\) in state_dict: "_extra_state"'):
            model.load_state_dict(model.state_dict())
    Taking().load_state_dict(Giving().state_dict())


def test_state_by_reference():
    model = nn.Linear(2, 2)
    assert model.state_dict(keep_vars=True)["weight"] is model.weight
    half = {k: v.half() for k, v in model.state_dict().items()}
    model.load_state_dict(half, assign=True)
    assert str(model.weight.dtype) == "float16"
    assert model.weight.requires_grad
    half["weight"].fill_(3.0)
    assert model.weight.tolist() == [[3, 3], [3, 3]]


def test_submodules_are_exchanged_and_parts_converted():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU()), nn.BatchNorm1d(2))
    model.set_submodule("1.0", nn.Tanh())
    model.set_submodule("1.1", nn.Sigmoid())
    assert [type(m).__name__ for m in model[1]] == ["Tanh", "Sigmoid"]
    with pytest.raises(AttributeError, match=r"Sequential has no submodule `2` .looking up '1.2'"):
        model.set_submodule("1.2", nn.Tanh(), strict=True)
    with pytest.raises(ValueError, match="cannot replace the module itself"):
        model.set_submodule("", nn.Tanh())
    with pytest.raises(ValueError, match="puts a Module at '0', not int"):
        model.set_submodule("0", 1)
    with pytest.raises(AttributeError, match="`training` of Sequential is no module"):
        model.set_submodule("1.training", nn.Tanh())
    assert str(model.bfloat16()[0].weight.dtype) == "bfloat16"
    assert str(model[2].num_batches_tracked.dtype) == "int64"
    for dst_type in ("float64", ag.float64, ag.DoubleTensor, "torch.DoubleTensor"):
        found = copy.deepcopy(model).type(dst_type).state_dict().values()
        assert {str(t.dtype) for t in found} == {"float64"}
    weight = model[0].weight
    assert model.to_empty(device="cpu")[0].weight is weight
    twice = nn.Sequential(shared := nn.ReLU(), shared)
    assert [len(list(twice.modules(remove_duplicate=once))) for once in (True, False)] == [2, 3]


def test_hooks_around_saving_and_loading():
    model, calls = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.Linear(1, 1, bias=False))), []
    inner = model[1][0]
    inner.register_state_dict_pre_hook(lambda m, prefix, keep: calls.append((m, prefix, keep)))
    for module in (model, inner):
        module.register_state_dict_post_hook(lambda m, state, prefix, meta: calls.append((prefix, len(state))))
    assert list(model.state_dict(prefix="x."))[-1] == "x.1.0.weight"
    assert calls == [(inner, "x.1.0.", False), ("x.1.0.", 3), ("x.", 3)]

    def rename(module, state, prefix, meta, strict, missing, unexpected, errors):
        state[f"{prefix}weight"] = state.pop(f"{prefix}old")

    handle = inner.register_load_state_dict_pre_hook(rename)
    model.register_load_state_dict_post_hook(lambda m, keys: calls.append(keys.missing_keys))
    state = {"0.weight": ag.ones(1, 1), "0.bias": ag.ones(1), "1.0.old": ag.full((1, 1), 7.0)}
    model.load_state_dict(state)
    assert inner.weight.item() == 7
    assert "1.0.old" in state
    assert calls[-1] == []
    with pytest.raises(RuntimeError, match=r"Missing key.*0\.bias"):
        model.load_state_dict({k: v for k, v in state.items() if k != "0.bias"})
    excuse = model.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    assert model.load_state_dict({"1.0.old": ag.ones(1, 1)}).missing_keys == []
    excuse.remove()
    handle.remove()
    handle = inner._register_load_state_dict_pre_hook(partial(rename, None))
    model.load_state_dict({**state, "1.0.old": ag.full((1, 1), 8.0)})
    assert inner.weight.item() == 8
    handle.remove()
    inner.register_load_state_dict_pre_hook(lambda *args: args[-1].append("too old"))
    with pytest.raises(RuntimeError, match="loading state_dict for Sequential:\\n\\ttoo old"):
        model.load_state_dict(model.state_dict())


class Frozen(nn.Linear):
    """As programs write it for older files and for copies of older objects."""

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ):
        state_dict.pop(f"{prefix}count", None)
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs=error_msgs
        )

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[f"{prefix}count"] = 1

    def _apply(self, fn, recurse=True):
        self.scale = fn(ag.ones(1))
        return super()._apply(fn, recurse)

    def __setstate__(self, state):
        super().__setstate__({**state, "activation": "relu"})


class Doubling(nn.Linear):
    """Goes on with what was loaded, and does without a bias."""

    def _load_from_state_dict(self, state, prefix, meta, strict, missing, unexpected, errors):
        super()._load_from_state_dict(state, prefix, meta, strict, missing, unexpected, errors)
        self.weight.data *= 2
        missing.remove(prefix + "bias")


class Own(nn.Linear):
    """Loads by itself."""

    def _load_from_state_dict(self, state, prefix, *rest):
        self.weight.data = state[prefix + "kernel"]


def test_overrides_of_loading_decide_what_is_missing_and_unexpected():
    model = nn.Sequential(Doubling(1, 1), Own(1, 1))
    state = {"0.weight": ag.full((1, 1), 3.0), "1.kernel": ag.full((1, 1), 4.0)}
    assert str(model.load_state_dict(state)) == "<All keys matched successfully>"
    assert (model[0].weight.item(), model[1].weight.item()) == (6, 4)
    with pytest.raises(RuntimeError, match="size mismatch for 0"):
        model.load_state_dict({**state, "0.weight": ag.ones(2, 1)})


def test_what_modules_override_of_loading_copying_and_conversion():
    model = nn.Sequential(Frozen(1, 1))
    assert list(model.state_dict()) == ["0.weight", "0.bias", "0.count"]
    assert model.double()[0].scale.dtype == model[0].weight.dtype == "float64"
    hooked = []
    model[0].register_load_state_dict_pre_hook(lambda module, state, prefix, *_: hooked.append(sorted(state)))
    model.load_state_dict({"0.weight": ag.full((1, 1), 2.0), "0.bias": ag.ones(1), "0.count": ag.ones(1)})
    assert (model[0].weight.item(), hooked) == (2, [["0.bias", "0.weight"]])
    assert copy.deepcopy(model)[0].activation == "relu"


def test_a_backward_hook_sees_no_gradient_of_an_output_that_is_not_used():
    class Twice(nn.Module):
        def forward(self, x):
            return x * 2, x * 3

    model, seen = Twice(), []
    model.register_full_backward_hook(lambda m, gi, go: seen.append((gi[0].tolist(), go[0].tolist(), go[1])))
    model(ag.ones(1, requires_grad=True))[0].sum().backward()
    assert seen == [([2.0], [1.0], None)]


def test_backward_hooks_get_tensors_without_a_copy_and_forbid_writes():
    class Kept(nn.Module):
        def forward(self, x, c, name):
            self.got = x, c
            return x * c, c

    model, seen = Kept(), []
    model.register_full_backward_hook(lambda m, gi, go: seen.append((gi[1].tolist(), gi[2], go[1])))
    x, c = ag.tensor([1.0, 2.0], requires_grad=True), ag.tensor([3, 4])
    y, same = model(x, c, "name")
    assert [t._base for t in model.got] == [x, c]
    assert (model.got[0].data_ptr(), same.data_ptr()) == (x.data_ptr(), c.data_ptr())
    y.sum().backward()
    assert (seen, x.grad.tolist()) == ([([0, 0], None, None)], [3.0, 4.0])
    for write in (lambda: y.mul_(2), lambda: nn.ReLU(inplace=True)(y), y[0].zero_):
        with pytest.raises(InplaceError, match="view that"):
            write()
    relu = nn.ReLU(inplace=True)
    relu.register_full_backward_hook(lambda m, gi, go: None)
    with pytest.raises(InplaceError, match="view that"):
        relu(x * 1)
    assert relu(ag.tensor([-1.0, 2.0])).tolist() == [0.0, 2.0]


def test_sequences_are_multiplied():
    layers = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    assert list(layers * 2) == list(2 * layers) == [*layers, *layers]
    layers *= 3
    assert len(layers) == 6
    with pytest.raises(ValueError, match="positive number n, not 0"):
        layers * 0
    values = nn.ParameterList([ag.ones(1)])
    values += [ag.zeros(2)]
    assert len(values) == 2


def test_hooks_of_all_modules():
    seen, module = [], nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    own = module.register_forward_hook(lambda m, args, y: seen.append("own"))
    handles = [
        hooks.register_module_forward_pre_hook(lambda m, args: seen.append(f"before {type(m).__name__}")),
        hooks.register_module_forward_hook(lambda m, args, y: seen.append(f"after {type(m).__name__}")),
        hooks.register_module_full_backward_pre_hook(lambda m, go: seen.append(f"gradient of {type(m).__name__}")),
        hooks.register_module_full_backward_hook(lambda m, gi, go: seen.append(f"gradients {type(m).__name__}")),
    ]
    y = module(ag.ones(1, 1))
    inside = ["before Linear", "after Linear", "before ReLU", "after ReLU"]
    assert seen == ["before Sequential", *inside, "after Sequential", "own"]
    seen.clear()
    own.remove()
    y.sum().backward()
    assert seen[:2] == ["gradient of Sequential", "gradients Sequential"]
    assert seen[2:] == ["gradient of ReLU", "gradients ReLU", "gradient of Linear", "gradients Linear"]
    for handle in handles:
        handle.remove()
    assert module._hooks is None
    seen.clear()
    module(ag.ones(1, 1))
    assert seen == []


def test_hooks_of_all_modules_reach_one_whose_own_hook_was_a_normalisation_that_is_removed():
    seen, module = [], nn.utils.remove_weight_norm(nn.utils.weight_norm(nn.Linear(1, 1)))
    handle = hooks.register_module_forward_pre_hook(lambda m, args: seen.append(m))
    module(ag.ones(1, 1))
    handle.remove()
    assert seen == [module]


def test_hooks_are_in_dicts_that_programs_may_write_to():
    model, x = nn.Sequential(nn.Linear(2, 2), nn.ReLU()), ag.ones(1, 2)
    model[0]._forward_hooks["fill"] = lambda module, args, output: output * 0 + 3
    model[1]._forward_pre_hooks[0] = lambda module, args: (args[0] + 1,)
    assert model(x).tolist() == [[4, 4]]
    model[0]._forward_hooks["fill"] = lambda module, args, output: output * 0 + 5
    assert (model(x).tolist(), list(model[0]._forward_hooks), len(model[0]._forward_pre_hooks)) == (
        [[6, 6]],
        ["fill"],
        0,
    )
    handle = model[1].register_forward_hook(lambda module, args, output: output * 2)
    assert (model(x).tolist(), len(model[1]._forward_hooks), len(model[1]._forward_pre_hooks)) == ([[12, 12]], 1, 1)
    assert handle.id in model[1]._forward_hooks
    assert repr(model[0]._forward_hooks) == repr(OrderedDict(model[0]._forward_hooks))
    model[0]._forward_hooks.clear()
    model[1]._forward_hooks = {}
    model[1]._forward_pre_hooks.popitem()
    assert handle.id not in model[1]._forward_hooks
    handle.remove()
    assert model(x).grad_fn.name() == "linear_relu"


def test_a_private_hook_may_return_another_state():
    model = nn.Sequential(nn.Linear(1, 1))
    model[0]._register_state_dict_hook(lambda m, state, prefix, meta: {})  # of a part: without effect on the whole
    handle = model._register_state_dict_hook(lambda m, state, prefix, meta: {f"model.{k}": v for k, v in state.items()})
    assert [*model.state_dict()] == ["model.0.weight", "model.0.bias"]
    handle.remove()
    assert [*model.state_dict()] == ["0.weight", "0.bias"]
    model.register_state_dict_post_hook(lambda m, state, prefix, meta: {})
    with pytest.raises(RuntimeError, match="returns None"):
        model.state_dict()


def test_hooks_see_the_parts_that_modules_get():
    from nn.modules import (
        register_module_buffer_registration_hook,
        register_module_module_registration_hook,
        register_module_parameter_registration_hook,
    )

    seen = []

    def note(module, name, part):
        seen.append((type(module).__name__, name, part if part is None else type(part).__name__))

    handles = [
        register(note)
        for register in (
            register_module_buffer_registration_hook,
            register_module_module_registration_hook,
            register_module_parameter_registration_hook,
        )
    ]
    model = nn.Sequential(nn.Linear(2, 2, bias=False))
    model.register_buffer("b", ag.ones(1))
    model.b = None
    model.p = nn.Parameter(ag.ones(1))
    model.p = None  # of which PyTorch tells no hook either
    assert seen == [
        ("Linear", "weight", "Tensor"), ("Sequential", "0", "Linear"), ("Sequential", "b", "Tensor"),
        ("Sequential", "b", None), ("Sequential", "p", "Tensor"),
    ]  # fmt: skip
    with register_module_module_registration_hook(lambda module, name, part: nn.Identity()):
        assert isinstance(nn.Sequential(nn.ReLU())[0], nn.Identity)
    with register_module_parameter_registration_hook(lambda module, name, part: nn.Parameter(ag.zeros_like(part))):
        model.q = nn.Parameter(ag.ones(1))
    assert (model.q.item(), len(list(model.parameters()))) == (0, 2)
    with register_module_buffer_registration_hook(lambda module, name, part: part + 1):
        assert nn.BatchNorm1d(2).running_mean.tolist() == [1, 1]
    for handle in handles:
        handle.remove()
    seen.clear()
    assert isinstance(nn.Sequential(nn.ReLU())[0], nn.ReLU)
    assert not seen
