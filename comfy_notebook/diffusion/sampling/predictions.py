"""What a network predicts, and how its input and output follow from noisy latents.

Each class is mixed with a noise schedule of :mod:`.model_sampling`. ``sigma`` has one value for each latent of the
batch (or one for all); ``sigma_data`` is the standard deviation that the network takes clean data to have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor


def beside(sigma: Any, x: Tensor) -> Tensor:
    """``sigma`` ``[B]``, ``[]`` or a float, shaped to be multiplied with ``x`` ``[B,…]``."""
    levels: Tensor = torch.as_tensor(sigma, device=x.device)
    if levels.nelement() == 1:
        return levels.reshape(())
    return levels if levels.ndim == x.ndim else levels.reshape(-1, *[1] * (x.ndim - 1))


class EPS:
    """The noise: ``x = data + sigma * noise``."""

    sigma_data: float = 1.0

    def calculate_input(self, sigma: Any, noise: Tensor) -> Tensor:
        """What the network is given for the noisy latent ``noise``."""
        sigma = beside(sigma, noise)
        given: Tensor = noise / (sigma**2 + self.sigma_data**2) ** 0.5
        return given

    def calculate_denoised(self, sigma: Any, model_output: Tensor, model_input: Tensor) -> Tensor:
        """The clean latent that the network's output stands for; ``model_input`` is the noisy latent."""
        return model_input - model_output * beside(sigma, model_output)

    def noise_scaling(self, sigma: Any, noise: Tensor, latent_image: Tensor, max_denoise: bool = False) -> Tensor:
        """The noisy latent at ``sigma``; with ``max_denoise`` of the variance that trained-for pure noise has."""
        sigma = beside(sigma, noise)
        scaled = noise * (torch.sqrt(1.0 + sigma**2.0) if max_denoise else sigma)
        return scaled + latent_image

    def inverse_noise_scaling(self, sigma: Any, latent: Tensor) -> Tensor:
        """The latent that sampling ended with, ``sigma`` above zero included, as nodes hand it on."""
        return latent


class V_PREDICTION(EPS):  # noqa: N801 - the names are those that custom nodes use
    """Velocity: between noise and data."""

    def calculate_denoised(self, sigma: Any, model_output: Tensor, model_input: Tensor) -> Tensor:
        sigma, data = beside(sigma, model_output), self.sigma_data
        total = sigma**2 + data**2
        made: Tensor = model_input * data**2 / total - model_output * sigma * data / total**0.5
        return made


class EDM(V_PREDICTION):
    """The preconditioning of Karras et al. 2022, table 1."""

    def calculate_denoised(self, sigma: Any, model_output: Tensor, model_input: Tensor) -> Tensor:
        sigma, data = beside(sigma, model_output), self.sigma_data
        total = sigma**2 + data**2
        made: Tensor = model_input * data**2 / total + model_output * sigma * data / total**0.5
        return made


class X0(EPS):
    """The clean latent itself."""

    def calculate_denoised(self, sigma: Any, model_output: Tensor, model_input: Tensor) -> Tensor:
        return model_output


class IMG_TO_IMG(X0):  # noqa: N801
    """The clean latent, from an input that is not scaled."""

    def calculate_input(self, sigma: Any, noise: Tensor) -> Tensor:
        return noise


class LCM(EPS):
    """Noise, with the boundary condition of latent consistency models."""

    def calculate_denoised(self, sigma: Any, model_output: Tensor, model_input: Tensor) -> Tensor:
        timestep = beside(self.timestep(sigma), model_output) * 10.0  # type: ignore[attr-defined]
        clean = model_input - model_output * beside(sigma, model_output)
        half = 0.5
        skip = half**2 / (timestep**2 + half**2)
        return timestep / (timestep**2 + half**2) ** 0.5 * clean + skip * model_input


class CONST:
    """Rectified flow: ``x = sigma * noise + (1 - sigma) * data``, the network predicts ``noise - data``."""

    def calculate_input(self, sigma: Any, noise: Tensor) -> Tensor:
        return noise

    def calculate_denoised(self, sigma: Any, model_output: Tensor, model_input: Tensor) -> Tensor:
        return model_input - model_output * beside(sigma, model_output)

    def noise_scaling(self, sigma: Any, noise: Tensor, latent_image: Tensor, max_denoise: bool = False) -> Tensor:
        level = beside(sigma, noise)
        return level * noise + (1.0 - level) * latent_image

    def inverse_noise_scaling(self, sigma: Any, latent: Tensor) -> Tensor:
        return latent / (1.0 - beside(sigma, latent))


class COSMOS_RFLOW:  # noqa: N801
    """Rectified flow written in ``sigma = t / (1 - t)``."""

    def calculate_input(self, sigma: Any, noise: Tensor) -> Tensor:
        return noise / (beside(sigma, noise) + 1)

    def calculate_denoised(self, sigma: Any, model_output: Tensor, model_input: Tensor) -> Tensor:
        level = beside(sigma, model_output)
        return model_input / (level + 1) - model_output * (level / (level + 1))

    def noise_scaling(self, sigma: Any, noise: Tensor, latent_image: Tensor, max_denoise: bool = False) -> Tensor:
        return noise * beside(sigma, noise) + latent_image

    def inverse_noise_scaling(self, sigma: Any, latent: Tensor) -> Tensor:
        return latent
