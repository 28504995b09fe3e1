"""The two commonest upscalers: Real-ESRGAN's compact network and ESRGAN's residual dense blocks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Compact(nn.Module):
    """SRVGGNetCompact (Wang et al., Real-ESRGAN): convolutions at the small size, shuffled to the large one at the end.

    Takes and gives ``[B,3,H,W]`` in 0…1; adds to the enlarged input.
    """

    def __init__(self, width: int, convolutions: int, scale: int, channels: int = 3) -> None:
        super().__init__()
        self.scale = scale
        parts: list[nn.Module] = [nn.Conv2d(channels, width, 3, 1, 1), nn.PReLU(width)]
        for _ in range(convolutions):
            parts += [nn.Conv2d(width, width, 3, 1, 1), nn.PReLU(width)]
        self.body = nn.ModuleList([*parts, nn.Conv2d(width, channels * scale * scale, 3, 1, 1)])

    def forward(self, x: Tensor) -> Tensor:
        made = x
        for part in self.body:
            made = part(made)
        large = functional.interpolate(x, scale_factor=self.scale, mode="nearest")
        return functional.pixel_shuffle(made, self.scale) + large


class _Dense(nn.Module):
    """Five convolutions, each of which sees all before it."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        for number in range(5):
            out = width if number == 4 else growth
            self.add_module(f"conv{number + 1}", nn.Conv2d(width + number * growth, out, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        seen = [x]
        for number in range(1, 5):
            seen.append(functional.leaky_relu(getattr(self, f"conv{number}")(torch.cat(seen, 1)), 0.2))
        last: Tensor = getattr(self, "conv5")(torch.cat(seen, 1))  # noqa: B009 - declared by number
        return x + 0.2 * last


class _Block(nn.Module):
    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (_Dense(width, growth) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.2 * self.rdb3(self.rdb2(self.rdb1(x)))  # type: ignore[no-any-return]


class RRDB(nn.Module):
    """ESRGAN (Wang et al. 2018) and Real-ESRGAN: four times larger, or less where the input is folded by ``fold``."""

    def __init__(self, channels: int, width: int, blocks: int, growth: int = 32, fold: int = 1) -> None:
        super().__init__()
        self.fold = fold
        self.conv_first = nn.Conv2d(channels * fold * fold, width, 3, 1, 1)
        self.body = nn.ModuleList(_Block(width, growth) for _ in range(blocks))
        self.conv_body = nn.Conv2d(width, width, 3, 1, 1)
        self.conv_up1 = nn.Conv2d(width, width, 3, 1, 1)
        self.conv_up2 = nn.Conv2d(width, width, 3, 1, 1)
        self.conv_hr = nn.Conv2d(width, width, 3, 1, 1)
        self.conv_last = nn.Conv2d(width, channels, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        first = self.conv_first(functional.pixel_unshuffle(x, self.fold) if self.fold > 1 else x)
        made = first
        for block in self.body:
            made = block(made)
        made = first + self.conv_body(made)
        for larger in (self.conv_up1, self.conv_up2):
            made = functional.leaky_relu(larger(functional.interpolate(made, scale_factor=2, mode="nearest")), 0.2)
        return self.conv_last(functional.leaky_relu(self.conv_hr(made), 0.2))  # type: ignore[no-any-return]
