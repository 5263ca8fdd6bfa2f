"""Ensembles: averages and votes, resampled data sets, snapshots of one training run."""

import pytest

import autograd_core as ag
import nn
import optim
from nn.functional import cross_entropy
from training import DataLoader, TensorDataset, fit
from training.ensembles import Ensemble, Snapshots, bootstrap, mean_probability, vote


def test_probabilities_are_averaged_and_preferences_counted():
    scores = ag.randn(3, 5, 4)
    ag.testing.assert_close(mean_probability(scores).exp(), scores.softmax(2).mean(0))
    best = ag.tensor([[[0.0, 1.0]], [[3.0, 2.0]], [[0.0, 9.0]], [[0.0, 1.0]]])
    assert vote(best).tolist() == [[0.25, 0.75]]
    assert vote(ag.randn(2, 3, 4, 5, 5)).shape == (3, 4, 5, 5)


def test_an_ensemble_is_no_worse_than_its_members_on_average():
    models = [nn.models.mlp(2, 8, 3) for _ in range(4)]
    ensemble = Ensemble(models)
    x, y = ag.randn(50, 2), ag.randint(3, (50,))
    losses = [cross_entropy(model(x), y).item() for model in models]
    assert cross_entropy(ensemble(x), y).item() <= sum(losses) / 4  # Jensen's inequality
    assert len(list(ensemble.parameters())) == 4 * len(list(models[0].parameters()))
    regression = Ensemble(models, lambda y: y.mean(0))
    ag.testing.assert_close(regression(x), sum(model(x) for model in models) / 4)
    with pytest.raises(ValueError, match="at least one"):
        Ensemble([])


def test_a_bootstrap_sample_holds_two_thirds_of_the_examples():
    sample = bootstrap(range(1000), ag.Generator().manual_seed(0))
    drawn = [sample[i] for i in range(len(sample))]
    assert len(drawn) == 1000
    assert len(set(drawn)) == pytest.approx(632, abs=30)  # 1 - 1/e


def test_snapshots_are_models_of_their_own():
    x = ag.randn(20, 2)
    loader = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), 10)
    model = nn.models.mlp(2, 4, 2)
    snapshots = Snapshots(model, period=2)
    fit(model, loader, optim.SGD(model.parameters(), lr=0.5), epochs=5, callbacks=[snapshots], progress=False)
    first, second = snapshots.models
    assert not first[0].weight.equal(second[0].weight)
    assert not second[0].weight.equal(model[0].weight)
    assert Ensemble(snapshots.models)(x).shape == (20, 2)
