"""PyTorch, eager, with its defaults."""

import torch
from torch import Tensor, nn, optim
from torch.nn import functional

from benchmarks.steps import LEARNING_RATE, Step, chain_step, scalar_step, training_step
from benchmarks.workloads import classification_batch


def chain() -> Step:
    return chain_step(torch.ones(4, 4, requires_grad=True), torch.ones(4, 4))


def scalar() -> Step:
    return scalar_step(lambda value: torch.tensor(value, dtype=torch.float64, requires_grad=True))


def mlp_tiny() -> Step:
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = optim.SGD(model.parameters(), lr=LEARNING_RATE)
    return training_step(model, functional.mse_loss, optimizer, torch.tensor([[0.5, -0.3]]), torch.tensor([[1.0]]))


def mlp() -> Step:
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
    inputs, labels = map(torch.from_numpy, classification_batch("mlp"))
    return training_step(
        model, functional.cross_entropy, optim.Adam(model.parameters(), lr=LEARNING_RATE), inputs, labels
    )


def lenet5(memory_format: torch.memory_format = torch.contiguous_format) -> Step:
    convolutions = [nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
    convolutions += [nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    classifier = [nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)]
    return _image_classifier("lenet5", nn.Sequential(*convolutions, *classifier), memory_format)


def resnet20(memory_format: torch.memory_format = torch.contiguous_format) -> Step:
    """He et al. 2015, section 4.2, with n = 3: 269,722 parameters."""
    blocks = [BasicBlock(16, 16) for _ in range(3)]
    for channels in (32, 64):
        blocks += [BasicBlock(channels // 2, channels), BasicBlock(channels, channels), BasicBlock(channels, channels)]
    stem = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
    return _image_classifier("resnet20", nn.Sequential(*stem, *blocks, *head), memory_format, weight_decay=1e-4)


class BasicBlock(nn.Module):  # type: ignore[misc, unused-ignore]  # Any where torch is absent
    """Two 3×3 convolutions and a shortcut; a block that widens strides by 2 and pads the shortcut (option A)."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.stride = out_channels // channels
        self.padding = (out_channels - channels) // 2
        self.conv1 = nn.Conv2d(channels, out_channels, 3, self.stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        out = self.norm2(self.conv2(functional.relu(self.norm1(self.conv1(x)))))
        if self.padding:
            x = functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.padding, self.padding))
        return functional.relu(out + x)


def _image_classifier(
    workload: str, model: nn.Module, memory_format: torch.memory_format, weight_decay: float = 0.0
) -> Step:
    model.to(memory_format=memory_format)  # type: ignore[call-overload, unused-ignore]  # torch's stubs lack it
    images, labels = map(torch.from_numpy, classification_batch(workload))
    optimizer = optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9, weight_decay=weight_decay)
    images = images.contiguous(memory_format=memory_format)
    return training_step(model, functional.cross_entropy, optimizer, images, labels)
