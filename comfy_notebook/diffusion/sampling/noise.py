"""Noise that depends on a seed alone: what a latent starts from, and what stochastic solvers add on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor

NoiseSampler = Callable[[Any, Any], "Tensor"]


def prepare_noise(latent_image: Tensor, seed: int, noise_inds: Sequence[int] | Any = None) -> Tensor:
    """Gaussian noise like ``latent_image``, drawn on the CPU: the same on every machine.

    ``seed`` is from 0 to 2**64 - 1. ``noise_inds`` (``batch_index`` of a LATENT) names for each latent its place in
    the batch that it once was part of, so that it gets the noise it had there.
    """
    generator = torch.manual_seed(seed)

    def draw(size: Any) -> Tensor:
        return torch.randn(
            size, dtype=latent_image.dtype, layout=latent_image.layout, generator=generator, device="cpu"
        )

    if noise_inds is None:
        return draw(latent_image.size())
    drawn = [draw([1, *latent_image.shape[1:]]) for _ in range(max(int(index) for index in noise_inds) + 1)]
    return torch.cat([drawn[int(index)] for index in noise_inds], dim=0)


class RandomNoise:
    """A NOISE: fresh noise of a seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def generate_noise(self, input_latent: dict[str, Any]) -> Tensor:
        """Noise for a LATENT."""
        from . import sample

        samples = input_latent["samples"]
        return sample.prepare_noise(samples, self.seed, input_latent.get("batch_index"))


class EmptyNoise:
    """A NOISE that adds nothing."""

    def __init__(self) -> None:
        self.seed = 0

    def generate_noise(self, input_latent: dict[str, Any]) -> Tensor:
        samples: Tensor = input_latent["samples"]
        return torch.zeros(samples.shape, dtype=samples.dtype, layout=samples.layout, device="cpu")


def default_noise_sampler(x: Tensor, seed: int | None = None) -> NoiseSampler:
    """Independent noise for every step, drawn where ``x`` is; from torch's global generator without a seed."""
    generator = None
    if seed is not None:
        generator = torch.Generator(device=x.device)
        generator.manual_seed(seed)
    return lambda sigma, sigma_next: torch.randn(
        x.size(), dtype=x.dtype, layout=x.layout, device=x.device, generator=generator
    )


class BatchedBrownianTree:
    """Brownian motion between two times, looked up at any pair of them; one tree, or one for each seed of a list."""

    def __init__(self, x: Tensor, t0: Any, t1: Any, seed: Any = None, **options: Any) -> None:
        torchsde = _torchsde()
        self.cpu_tree = bool(options.pop("cpu", True))
        t0, t1, self.sign = self.sort(t0, t1)
        w0 = options.pop("w0", None)
        w0 = torch.zeros_like(x) if w0 is None else w0
        self.batched = isinstance(seed, Sequence)
        if seed is None:
            seed = torch.randint(0, 2**63 - 1, ()).item()
        seeds = list(seed) if self.batched else [seed]
        if self.batched:
            if len(seeds) != x.shape[0]:
                raise ValueError(f"{len(seeds)} seeds were given for {x.shape[0]} latents")
            w0 = w0[0]
        if self.cpu_tree:
            t0, w0, t1 = t0.detach().cpu(), w0.detach().cpu(), t1.detach().cpu()
        self.trees = [torchsde.BrownianTree(t0, w0, t1, entropy=one, **options) for one in seeds]

    @staticmethod
    def sort(a: Any, b: Any) -> tuple[Any, Any, int]:
        return (a, b, 1) if a < b else (b, a, -1)

    def __call__(self, t0: Any, t1: Any) -> Tensor:
        t0, t1, sign = self.sort(t0, t1)
        device, dtype = t0.device, t0.dtype
        if self.cpu_tree:
            t0, t1 = t0.detach().cpu().float(), t1.detach().cpu().float()
        w = torch.stack([tree(t0, t1) for tree in self.trees]).to(device, dtype) * (self.sign * sign)
        return w if self.batched else w[0]


def _torchsde() -> Any:
    try:
        import torchsde  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError(
            "SDE samplers draw their noise with torchsde, which is missing: pip install torchsde"
        ) from error
    return torchsde


class BrownianTreeNoiseSampler:
    """Noise between two sigmas that does not depend on how the way between them is cut into steps.

    ``transform`` maps sigma to the time of the Brownian motion; ``cpu`` draws on the CPU whatever ``x``'s device.
    """

    def __init__(
        self,
        x: Tensor,
        sigma_min: Any,
        sigma_max: Any,
        seed: Any = None,
        transform: Callable[[Any], Any] = lambda sigma: sigma,
        cpu: bool = False,
    ) -> None:
        self.transform = transform
        t0, t1 = transform(torch.as_tensor(sigma_min)), transform(torch.as_tensor(sigma_max))
        self.tree = BatchedBrownianTree(x, t0, t1, seed, cpu=cpu)

    def __call__(self, sigma: Any, sigma_next: Any) -> Tensor:
        t0, t1 = self.transform(torch.as_tensor(sigma)), self.transform(torch.as_tensor(sigma_next))
        drawn: Tensor = self.tree(t0, t1) / (t1 - t0).abs().sqrt()
        return drawn
