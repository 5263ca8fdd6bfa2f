"""What a module's state holds, and what loading one into it accepts."""

import pytest

import autograd_core as ag
import nn


def small():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1, bias=False))


OF_NORM = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
KEYS = ["0.weight", "0.bias", *[f"1.{name}" for name in OF_NORM], "3.weight"]


def test_state_round_trip_shares_nothing():
    source, target = small(), small()
    assert list(source.state_dict()) == KEYS
    source(ag.randn(4, 2))
    assert str(target.load_state_dict(source.state_dict())) == "<All keys matched successfully>"
    for key, value in target.state_dict().items():
        assert value.tolist() == source.state_dict()[key].tolist()
        assert value.array is not source.state_dict()[key].array
    assert source.state_dict()["0.weight"].array is source[0].weight.array


def test_failed_load_names_everything_and_changes_nothing():
    m = small()
    before = {k: v.tolist() for k, v in m.state_dict().items()}
    state = {**small().state_dict(), "0.weight": ag.zeros(1), "extra": ag.zeros(1)}
    del state["3.weight"]
    with pytest.raises(RuntimeError) as error:
        m.load_state_dict(state)
    assert str(error.value) == (
        "Error(s) in loading state_dict for Sequential:\n"
        '\tMissing key(s) in state_dict: "3.weight". \n'
        '\tUnexpected key(s) in state_dict: "extra". \n'
        "\tsize mismatch for 0.weight: copying a param with shape (1,) from checkpoint, "
        "the shape in current model is (3, 2)."
    )
    with pytest.raises(RuntimeError, match=r"0\.bias needs a Tensor, not float"):
        m.load_state_dict({**small().state_dict(), "0.bias": 1.0})
    assert {k: v.tolist() for k, v in m.state_dict().items()} == before


def test_a_prefix_of_parallel_training_is_removed():
    from autograd_core.nn.modules.utils import consume_prefix_in_state_dict_if_present

    parallel = nn.ModuleDict({"module": small()})
    state = parallel.state_dict()
    consume_prefix_in_state_dict_if_present(state, "module.")
    assert list(state) == KEYS
    assert state._metadata == small().state_dict()._metadata
    small().load_state_dict(state)


def test_hooks_of_a_load_are_told_the_version_and_that_it_is_strict():
    m, seen = small(), []
    m[1].register_load_state_dict_pre_hook(lambda m, state, prefix, local, strict, *_: seen.append((local, strict)))
    m.load_state_dict(m.state_dict(), strict=False)
    assert seen == [({"version": 2}, True)]


def test_loose_load_reports_keys_and_converts_dtypes():
    m = small()
    result = m.load_state_dict({"0.bias": ag.tensor([1.0, 2.0, 3.0], dtype="float64"), "x": ag.ones(1)}, strict=False)
    assert result.missing_keys == [k for k in KEYS if k not in ("0.bias", "1.num_batches_tracked")]
    assert result.unexpected_keys == ["x"]
    assert repr(result).startswith("_IncompatibleKeys(missing_keys=[")
    assert m[0].bias.tolist() == [1.0, 2.0, 3.0]
    assert m[0].bias.dtype == ag.float32


def test_files_without_batch_count_load():
    state = small().state_dict()
    del state["1.num_batches_tracked"]
    assert str(small().load_state_dict(state)) == "<All keys matched successfully>"
