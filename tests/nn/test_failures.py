"""What a failure says: which layer, where in the model, which shapes."""

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim


@pytest.mark.parametrize(
    "model, x, path, shapes",
    [
        (nn.models.resnet20, (1, 4, 9, 9), "conv1 of CifarResNet: Conv2d(3, 16", "(1, 4, 9, 9)"),
        (lambda: nn.models.unet(width=2), (1, 3, 188, 188), "down.0.0 of UNet: Conv2d(1, 2", "(1, 3, 188, 188)"),
        (nn.models.lenet5, (1, 1, 32, 32), "7 of Sequential: Linear(in_features=400", "(1, 576) does not end with"),
        (lambda: nn.Sequential(nn.Sequential(nn.BatchNorm1d(4))), (2, 3), "0.0 of Sequential: BatchNorm1d(4", "(2, 3)"),
        (lambda: nn.Sequential(nn.MaxPool2d(3)), (1, 1, 2, 2), "0 of Sequential: MaxPool2d", "(3, 3)"),
        (
            lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2), 2),
            (5, 1, 6),
            "layers.0.self_attn of TransformerEncoder: MultiheadAttention(...)",
            "8 were expected",
        ),
    ],
)
def test_a_failure_names_path_layer_and_shapes(model, x, path, shapes):
    with pytest.raises((RuntimeError, ValueError, AssertionError)) as raised:
        model()(ag.zeros(*x))
    assert raised.value.__notes__[-1].startswith(f"in {path}")
    assert shapes in str(raised.value)


def test_a_model_that_refuses_by_itself_is_named_without_its_parts():
    with pytest.raises(RuntimeError) as raised:
        nn.models.gpt(5, context=4)(ag.zeros(1, 9, dtype="int64"))
    assert raised.value.__notes__ == ["in GPT(...)"]


def test_a_layer_that_cannot_be_printed_is_named():
    layer = nn.Linear(2, 2)
    del layer.bias
    with pytest.raises(AttributeError, match="'bias'") as raised:
        layer(ag.zeros(1, 2))
    assert raised.value.__notes__ == ["in Linear(...)"]


@pytest.mark.parametrize("x, kind", [([[0.0, 1.0]], "list"), (np.zeros((3, 4), np.float32), "ndarray"), (1.0, "float")])
def test_what_should_have_been_a_tensor_is_said(x, kind):
    with pytest.raises(AttributeError) as raised:
        nn.Sequential(nn.LSTM(4, 3))(x)
    assert raised.value.__notes__[-1] == f"LSTM was called with a {kind}; make a tensor of it with tensor(...)"


def test_an_exception_that_left_another_model_keeps_its_place():
    class Careful(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = [nn.Sequential(nn.Linear(2, 2))]  # not a part

        def forward(self, x):
            return self.inner[0](x)

    with pytest.raises(RuntimeError) as raised:
        Careful()(ag.zeros(1, 3))
    assert raised.value.__notes__[-1].startswith("in 0 of Sequential: Linear")


def test_hooks_do_not_hide_where_a_failure_is():
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    model[0].register_forward_hook(lambda module, args, output: None)
    with pytest.raises(RuntimeError) as raised:
        model(ag.zeros(1, 4))
    assert raised.value.__notes__ == ["in 0 of Sequential: Linear(in_features=3, out_features=2, bias=True)"]


class Sized(nn.Module):
    def __init__(self, size):
        super().__init__(size)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: nn.Sequential([nn.ReLU()]), "list is not a Module subclass; unpack it"),
        (lambda: nn.Sequential(nn.functional.relu), r"take its module, such as nn.ReLU\(\)"),
        (lambda: nn.Sequential(nn.ReLU), r"made by ReLU\(\.\.\.\)"),
        (lambda: nn.ReLU().load_state_dict("model.pt"), "read by load"),
        (lambda: Sized(2), r"Sized calls it by super\(\).__init__\(\)"),
        (lambda: nn.Tanh(ag.ones(2)), r"then: Tanh\(\)\(input\)"),
        (lambda: nn.Linear(2, 1).apply(nn.init.xavier_uniform_), r"such as layer\.weight, not Linear"),
        (lambda: nn.init.normal_(nn.ReLU()), r"such as layer\.weight, not ReLU"),
        (lambda: optim.SGD(nn.Linear(1, 1)), r"write model\.parameters\(\)"),
        (lambda: optim.lr_scheduler.StepLR(nn.Linear(1, 1), 2), "Linear is not an Optimizer"),
    ],
)
def test_mistakes_with_models_say_what_to_write(make, message):
    with pytest.raises(TypeError, match=message):
        make()


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: nn.Conv2d(1, 2, 3, strid=2), r"Conv2d\.__init__\(\) got an unexpected keyword argument 'strid'"),
        (lambda: nn.BatchNorm1d(3, momentu=0), r"BatchNorm1d\.__init__\(\) got an unexpected"),
        (lambda: nn.L1Loss(red="sum"), r"L1Loss\.__init__\(\) got an unexpected"),
        (nn.AdaptiveAvgPool2d, r"AdaptiveAvgPool2d\.__init__\(\) missing 1 required"),
        (lambda: nn.Conv2d(1, 2), r"Conv2d\.__init__\(\) missing 1 required positional argument: 'kernel_size'"),
    ],
)
def test_wrong_arguments_are_those_of_the_class_that_was_called(make, text):
    with pytest.raises(TypeError, match=text):
        make()
