"""The networks, written once in PyTorch's names: `nn` is torch.nn or this project's."""

from itertools import pairwise
from typing import Any


def mlp(nn: Any, *sizes: int) -> Any:
    layers = [layer for inputs, outputs in pairwise(sizes) for layer in (nn.Linear(inputs, outputs), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def lenet5(nn: Any) -> Any:
    convolutions = [nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
    convolutions += [nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    return nn.Sequential(*convolutions, *mlp(nn, 400, 120, 84, 10))


def resnet20(nn: Any) -> Any:
    """He et al. 2015, section 4.2, with n = 3: 269,722 parameters."""
    block = _basic_block(nn)
    blocks = [block(16, 16) for _ in range(3)]
    for channels in (32, 64):
        blocks += [block(channels // 2, channels), block(channels, channels), block(channels, channels)]
    stem = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def _basic_block(nn: Any) -> Any:
    F = nn.functional

    class BasicBlock(nn.Module):  # type: ignore[misc, name-defined, unused-ignore]
        """Two 3×3 convolutions and a shortcut; a block that widens strides by 2 and pads the shortcut (option A)."""

        def __init__(self, channels: int, out_channels: int) -> None:
            super().__init__()
            self.stride = out_channels // channels
            self.padding = (out_channels - channels) // 2
            conv1 = nn.Conv2d(channels, out_channels, 3, self.stride, padding=1, bias=False)
            self.first = nn.Sequential(conv1, nn.BatchNorm2d(out_channels), nn.ReLU())
            self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(out_channels)

        def forward(self, x: Any) -> Any:
            out = self.bn2(self.conv2(self.first(x)))
            if self.padding:
                x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.padding, self.padding))
            return F.relu(out + x)

    return BasicBlock


def vgg(nn: Any) -> Any:
    """Three stages of two convolutions (after Simonyan & Zisserman 2014), batch-normalised: 1,187,274 parameters."""
    stages = ((*_double(nn, channels, out), nn.MaxPool2d(2)) for channels, out in pairwise((3, 64, 128, 256)))
    return nn.Sequential(*(layer for stage in stages for layer in stage), nn.Flatten(), nn.Linear(256 * 4 * 4, 10))


def unet(core: Any, nn: Any) -> Any:
    """Ronneberger et al. 2015 with padding and batch normalisation: scores (N, 1, H, W) for images (N, 3, H, W).

    core: the package with `cat`: torch or this project's.
    """
    widths = (16, 32, 64, 128)
    upwards = list(pairwise(widths[::-1]))

    class UNet(nn.Module):  # type: ignore[misc, name-defined, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.down = nn.ModuleList([nn.Sequential(*_double(nn, *pair)) for pair in pairwise((3, *widths))])
            self.pool = nn.MaxPool2d(2)
            self.up = nn.ModuleList([nn.ConvTranspose2d(*pair, 2, stride=2) for pair in upwards])
            self.merge = nn.ModuleList([nn.Sequential(*_double(nn, *pair)) for pair in upwards])
            self.head = nn.Conv2d(widths[0], 1, 1)

        def forward(self, x: Any) -> Any:
            skips: list[Any] = []
            for block in self.down:
                x = block(self.pool(x) if skips else x)
                skips.append(x)
            for up, merge, skip in zip(self.up, self.merge, skips[-2::-1], strict=True):
                x = merge(core.cat([skip, up(x)], 1))
            return self.head(x)

    return UNet()


def _double(nn: Any, channels: int, out_channels: int) -> list[Any]:
    layers: list[Any] = []
    for inputs in (channels, out_channels):
        layers += [nn.Conv2d(inputs, out_channels, 3, padding=1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU()]
    return layers


def gpt(core: Any, nn: Any, vocabulary: int, context: int, layers: int = 4, heads: int = 4, width: int = 128) -> Any:
    """Radford et al. 2019: from tokens (N, L) to scores of each next token (N·L, vocabulary)."""

    class Block(nn.Module):  # type: ignore[misc, name-defined, unused-ignore]
        """Attention to earlier tokens, then an MLP, both with residual connections."""

        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.attend, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.mlp = nn.Sequential(
                nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width)
            )

        def forward(self, x: Any) -> Any:
            count, length, _ = x.shape
            parts = self.attend(self.norm1(x)).reshape(count, length, 3, heads, width // heads)
            query, key, value = parts.permute(2, 0, 3, 1, 4)
            mixed = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
            x = x + self.project(mixed.transpose(1, 2).reshape(count, length, width))
            return x + self.mlp(self.norm2(x))

    class GPT(nn.Module):  # type: ignore[misc, name-defined, unused-ignore]
        """Embeddings, blocks, and a layer for the scores."""

        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
            self.blocks = nn.Sequential(*[Block() for _ in range(layers)])
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

        def forward(self, tokens: Any) -> Any:
            x = self.tokens(tokens) + self.places(core.arange(tokens.shape[1], device=tokens.device))
            return self.head(self.norm(self.blocks(x))).flatten(0, 1)

    return GPT()


def char_lstm(nn: Any, vocabulary: int, hidden: int = 128) -> Any:
    """From characters (N, L) to scores of each next character (N·L, vocabulary)."""

    class CharLSTM(nn.Module):  # type: ignore[misc, name-defined, unused-ignore]
        """An embedding, one recurrent layer, and a layer for the scores."""

        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.lstm = nn.Embedding(vocabulary, 32), nn.LSTM(32, hidden, batch_first=True)
            self.head = nn.Linear(hidden, vocabulary)

        def forward(self, characters: Any) -> Any:
            return self.head(self.lstm(self.embedding(characters))[0].flatten(0, 1))

    return CharLSTM()
