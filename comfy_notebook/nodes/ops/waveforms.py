"""Sounds put together: AUDIO values brought to one rate, one number of channels, one length."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from .media import need_av


def resampled(waveform: Tensor, rate: int, wanted: int) -> Tensor:
    """``[B,C,T]`` at ``rate`` as ``[B,C,round(T * wanted / rate)]`` at ``wanted``, by ffmpeg's resampler."""
    if rate == wanted or not waveform.shape[-1]:
        return waveform
    rows = waveform.detach().cpu().float().flatten(0, 1)
    return torch.stack([_resampled(row, rate, wanted) for row in rows]).reshape(*waveform.shape[:2], -1)


def _resampled(row: Tensor, rate: int, wanted: int) -> Tensor:
    av = need_av()
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=wanted)
    frame = av.AudioFrame.from_ndarray(row.unsqueeze(0).numpy().copy(), format="fltp", layout="mono")
    frame.sample_rate, frame.pts = rate, 0
    blocks = [torch.from_numpy(part.to_ndarray()) for one in (frame, None) for part in resampler.resample(one)]
    return with_length(torch.cat(blocks, dim=1)[0], round(row.shape[0] * wanted / rate))


def with_length(waveform: Tensor, samples: int) -> Tensor:
    """``[…,T]`` cut, or filled up with silence, to ``samples``."""
    return pad(waveform, (0, max(samples - waveform.shape[-1], 0)))[..., :samples]


def matched(first: tuple[Tensor, int], second: tuple[Tensor, int]) -> tuple[Tensor, Tensor, int]:
    """Two sounds at the higher of their rates, with as many channels and items as the larger one has.

    Mono goes to every channel and a single item to every item; other differences raise ``ValueError``.
    """
    rate = max(first[1], second[1])
    a, b = resampled(*first, rate), resampled(*second, rate).to(first[0].device)
    sizes = []
    for one, other, what in zip(a.shape[:2], b.shape[:2], ("items in the batch", "channels"), strict=True):
        if one != other and 1 not in (one, other):
            raise ValueError(f"the sounds have {one} and {other} {what}; they have to be as many, or one of them 1")
        sizes.append(max(one, other))
    return a.expand(*sizes, -1), b.expand(*sizes, -1), rate
