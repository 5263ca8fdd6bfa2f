"""Systems that the lectures describe, trained until they do what is said of them."""

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
import training
from nn import functional as F


def test_logistic_regression_finds_the_weights_of_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 3))
    y = (x @ [1.0, -2.0, 0.5] + random.logistic(size=60) > 0).astype(float)
    expected = linear_model.LogisticRegression(C=2.0, tol=1e-10).fit(x, y)
    model = nn.Linear(3, 1).double()
    optimizer = optim.LBFGS(model.parameters(), max_iter=100, line_search_fn="strong_wolfe", tolerance_change=1e-14)

    def closure():
        optimizer.zero_grad()
        cost = F.binary_cross_entropy_with_logits(model(ag.tensor(x))[:, 0], ag.tensor(y), reduction="sum")
        cost = cost + model.weight.square().sum() / (2 * 2.0)
        cost.backward()
        return cost

    optimizer.step(closure)
    np.testing.assert_allclose(model.weight.detach().numpy(), expected.coef_, atol=1e-5)
    np.testing.assert_allclose(model.bias.detach().numpy(), expected.intercept_, atol=1e-5)


def test_a_generator_learns_to_look_like_the_data():
    ag.manual_seed(0)
    generator, judge = nn.models.mlp(2, 16, 1), nn.models.mlp(1, 16, 1)
    learns = {net: optim.Adam(net.parameters(), 5e-3, betas=(0.5, 0.9)) for net in (generator, judge)}
    real, fake = ag.ones(64, 1), ag.zeros(64, 1)
    for _ in range(600):
        learns[judge].zero_grad()
        made, seen = generator(ag.randn(64, 2)), 3 + 0.5 * ag.randn(64, 1)
        loss = F.binary_cross_entropy_with_logits(judge(seen), real)
        (loss + F.binary_cross_entropy_with_logits(judge(made.detach()), fake)).backward()
        learns[judge].step()
        learns[generator].zero_grad()
        F.binary_cross_entropy_with_logits(judge(made), real).backward()
        learns[generator].step()
    with ag.no_grad():
        made = generator(ag.randn(2000, 2))
    assert made.mean().item() == pytest.approx(3, abs=0.3)
    assert 0.2 < made.std().item() < 0.9


def test_a_denoising_autoencoder_takes_noise_away_and_searches_by_content():
    ag.manual_seed(0)
    train_set, test_set = training.datasets.digits(seed=0)
    images = train_set.tensors[0]
    model = nn.models.denoising_autoencoder(1, (16, 32), noise=0.3)
    optimizer = optim.Adam(model.parameters(), 3e-3)
    loader = training.DataLoader(training.TensorDataset(images, images), 64, shuffle=True)
    training.fit(model, loader, optimizer, F.mse_loss, epochs=30, progress=False)
    clean, labels = test_set.tensors
    noisy = clean + 0.3 * ag.randn(*clean.shape)
    with ag.no_grad():
        model.eval()
        assert F.mse_loss(model(noisy), clean).item() < F.mse_loss(noisy, clean).item() / 3
        stored, asked = model.encode(images).flatten(1), model.encode(noisy).flatten(1)
    nearest = train_set.tensors[1][ag.cdist(asked, stored).argmin(1)]
    assert (nearest == labels).float().mean().item() > 0.8


def test_learning_by_heart_is_an_error_on_new_examples():
    ag.manual_seed(0)
    x, y = ag.randn(80, 20), ag.randint(0, 2, (80,))  # nothing can be learned
    train_set, test_set = training.random_split(training.TensorDataset(x, y), [0.5, 0.5])
    model = nn.models.mlp(20, 100, 2)
    loader, validate = training.DataLoader(train_set, 20), training.DataLoader(test_set, 40)
    history = training.fit(
        model, loader, optim.Adam(model.parameters(), 0.01), epochs=30, validate=validate, progress=False
    )
    assert training.evaluate(model, loader).accuracy == 1.0
    assert 0.2 < history.val_accuracy[-1] < 0.8
    assert history.val_loss[-1] > min(history.val_loss)  # it should have been stopped early
