"""Trains the tiny text-to-image model that comes with comfy_notebook.

    python training/train_emoji.py --minutes 60

Goes on from ``out/emoji/state.pt`` where there is one, so it may be run in parts. Every few minutes it writes the
checkpoint and a sheet of samples: ten prompts, seeds 0 to 9.
"""

from __future__ import annotations

import argparse
import itertools
import math
import resource
import time
from pathlib import Path
from typing import Any

import torch
from emoji_network import CHANNELS, PATCH, TextToPatches, Tokens, save_checkpoint
from emoji_pictures import Pictures, load_pictures
from PIL import Image
from torch import Tensor
from torch.nn import functional

PROMPTS = (
    "red heart", "grinning face", "smiling face with sunglasses", "cat face", "dog face",
    "pizza", "red apple", "evergreen tree", "fish", "blue heart",
)  # fmt: skip
BATCH = 24
#: Stable Diffusion's noise levels.
ALPHAS = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2, 0).float()
SIGMAS = ((1 - ALPHAS) / ALPHAS).sqrt()


class Training:
    """A network, its running mean and the optimiser, kept in one file."""

    def __init__(self, pictures: Pictures, folder: Path, device: str) -> None:
        self.folder, self.device = folder, device
        self.tokens = Tokens(pictures.captions)
        self.rows = torch.tensor([self.tokens.rows(caption) for caption in pictures.captions], device=device)
        self.pixels = torch.from_numpy(pictures.pixels).permute(0, 3, 1, 2).to(device)
        torch.manual_seed(0)
        self.model = TextToPatches(len(self.tokens)).to(device)
        self.mean = TextToPatches(len(self.tokens)).to(device).eval().requires_grad_(False)
        self.mean.load_state_dict(self.model.state_dict())
        self.optimizer = torch.optim.AdamW(self.model.parameters(), 1e-3, weight_decay=0.01, betas=(0.9, 0.98))
        self.step = 0
        self.loss = 0.0
        if self.state.exists():
            self.restore()

    @property
    def state(self) -> Path:
        return self.folder / "state.pt"

    def restore(self) -> None:
        held = torch.load(self.state, map_location=self.device, weights_only=True)
        self.model.load_state_dict(held["model"])
        self.mean.load_state_dict(held["mean"])
        self.optimizer.load_state_dict(held["optimizer"])
        self.step = held["step"]

    def save(self) -> None:
        parts: dict[str, Any] = {"model": self.model, "mean": self.mean, "optimizer": self.optimizer}
        held = {name: part.state_dict() for name, part in parts.items()} | {"step": self.step}
        torch.save(held, self.state.with_suffix(".part"))
        self.state.with_suffix(".part").replace(self.state)
        save_checkpoint(self.mean, self.tokens, self.folder / "emoji.safetensors")
        self.sheet().save(self.folder / f"samples_{self.step:06d}.png")

    def run_step(self, rate: float) -> None:
        """One batch: a random timestep each, the loss of the clean picture weighted by min(SNR + 1, 5).

        Where there is nothing but noise the words alone decide, and that weight does not let them go to waste.
        (Min-SNR, https://arxiv.org/abs/2303.09556, in its form for v-prediction.)
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        which = torch.randint(len(self.pixels), (BATCH,))
        clean = to_patches(moved(self.pixels[which].float() / 127.5 - 1))
        rows = self.rows[which].clone()
        empty = torch.tensor(self.tokens.rows(""), device=self.device)
        rows[torch.rand(BATCH) < 0.1] = empty
        timesteps = torch.randint(1000, (BATCH,))
        sigma = SIGMAS[timesteps].to(self.device)[:, None, None, None]
        noisy = (clean + sigma * torch.randn_like(clean)) / (sigma**2 + 1).sqrt()
        made = self.model(rows, noisy, timesteps.to(self.device))
        weight = (1 / sigma**2 + 1).clamp(max=5)
        loss = (weight * (made - clean) ** 2).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        self.loss += (loss.item() - self.loss) * 0.02
        keep = min(0.999, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, now in zip(self.mean.parameters(), self.model.parameters(), strict=True):
                mean.lerp_(now, 1 - keep)

    @torch.no_grad()
    def sheet(self) -> Image.Image:
        """:data:`PROMPTS` beside each other, seed by seed, as one picture."""
        made = sampled(self.mean, [self.tokens.rows(prompt) for prompt in PROMPTS], self.tokens.rows(""), self.device)
        pixels = ((made + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
        sheet = Image.new("RGB", (66 * len(PROMPTS), 66), "gray")
        for index, picture in enumerate(pixels):
            sheet.paste(Image.fromarray(picture), (66 * index + 1, 1))
        return sheet.resize((sheet.width * 2, sheet.height * 2), Image.Resampling.NEAREST)


def to_patches(pixels: Tensor) -> Tensor:
    return functional.pixel_unshuffle(pixels, PATCH)


def moved(pixels: Tensor) -> Tensor:
    """Each picture shifted by up to a pixel, so that few pictures teach more."""
    padded = functional.pad(pixels, (1, 1, 1, 1), value=1.0)
    side = pixels.shape[-1]
    shifts = torch.randint(0, 3, (len(pixels), 2)).tolist()
    return torch.stack([p[:, y : y + side, x : x + side] for p, (y, x) in zip(padded, shifts, strict=True)])


@torch.no_grad()
def sampled(model: TextToPatches, rows: list[list[int]], empty: list[int], device: str, steps: int = 25) -> Tensor:
    """Euler steps on Karras' noise levels with guidance 4; picture i has seed i."""
    start = torch.cat([torch.randn(1, CHANNELS, 16, 16, generator=torch.manual_seed(i)) for i in range(len(rows))])
    ramp = torch.linspace(0, 1, steps)
    low, high = float(SIGMAS[0]) ** (1 / 7), float(SIGMAS[-1]) ** (1 / 7)
    levels = [*((high + ramp * (low - high)) ** 7).tolist(), 0.0]
    x = start.to(device) * levels[0]
    texts = torch.tensor([*rows, *[empty] * len(rows)], device=device)
    for level, following in itertools.pairwise(levels):
        timestep = (SIGMAS.log() - math.log(level)).abs().argmin().to(device)
        given = (x / math.sqrt(level**2 + 1)).repeat(2, 1, 1, 1)
        wanted, plain = model(texts, given, timestep.expand(len(texts))).chunk(2)
        clean = plain + 4 * (wanted - plain)
        x = clean + (x - clean) * (following / level)
    return functional.pixel_shuffle(x, PATCH)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60, help="how long, on this machine's clock")
    parser.add_argument("--folder", type=Path, default=Path("out/emoji"))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--cooling", action="store_true", help="let the learning rate fall to nothing over the time")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    training = Training(load_pictures(options.folder / "pictures.npz"), options.folder, options.device)
    weights = sum(parameter.numel() for parameter in training.model.parameters()) / 1e6
    print(f"{len(training.pixels)} pictures, {len(training.tokens)} tokens, {weights:.1f} million weights", flush=True)
    begun, first, saved = time.monotonic(), training.step, time.monotonic()
    while (gone := (time.monotonic() - begun) / 60 / options.minutes) < 1:
        cooled = 0.5 * (1 + math.cos(math.pi * gone)) * 0.97 + 0.03 if options.cooling else 1.0
        training.run_step(8e-4 * min(1, (training.step + 1) / 200) * cooled)
        if training.step % 50 == 0:
            spent = resource.getrusage(resource.RUSAGE_SELF)
            pace = (training.step - first) * BATCH / (spent.ru_utime + spent.ru_stime)
            print(f"step {training.step}  loss {training.loss:.4f}  {pace:.1f} pictures a CPU second", flush=True)
        if time.monotonic() - saved > 300:
            training.save()
            saved = time.monotonic()
    training.save()


if __name__ == "__main__":
    main()
