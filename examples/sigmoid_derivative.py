"""The derivative of a sigmoid, by hand and by autodiff: a PyTorch program with only its import lines changed.

It is the "Autodiff example" of a course's slides, exactly as printed. Run as a script it shows the figure or, without a
display, writes it to runs/sigmoid_derivative.png in the checkout.
"""
# ruff: noqa: E703, F401, I001  (the slide's)
# fmt: off

import autograd_core as torch
import numpy as np
import matplotlib.pyplot as plt

def sigmoid(x):
    return 1. / (1. + torch.exp(-x))

def derivative_of_sigmoid(x):
    "Derivative of a sigmoid (analytical)"
    return sigmoid(x) * (1 - sigmoid(x))

# input
x = torch.linspace(-10,10,100, requires_grad=True)

# derivative of a sigmoid
dx = derivative_of_sigmoid(x)

# PyTorch program that implements sigmoid
z = sigmoid(x)

# using PyTorch autodiff to compute the derivative of the sigmoid
z_ = torch.sum(z) # because backward can only be called on scalars
z_.backward()     # the backward pass

plt.figure(figsize=(8,8))
plt.title('Using PyTorch to compute the derivative of a sigmoid')
plt.plot(x.detach().numpy(), z.detach().numpy(), 'k', label='sigmoid')
plt.grid()
plt.plot(x.detach().numpy(), dx.detach().numpy(), 'b.', label='derivative computed analytically')
plt.plot(x.detach().numpy(), x.grad.detach().numpy(), 'r', label='derivative using autodiff')
plt.xlabel('x')
plt.legend();
# fmt: on

if __name__ == "__main__":
    if plt.get_backend().lower() != "agg":
        plt.show()
    else:
        from pathlib import Path

        picture = Path(__file__).resolve().parents[1] / "runs" / "sigmoid_derivative.png"
        picture.parent.mkdir(exist_ok=True)
        plt.savefig(picture)
        print(f"wrote {picture}")
