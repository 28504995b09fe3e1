"""Networks of random weights in the sizes of Stable Diffusion 1.5 and XL, their cost, and a bare loop around them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_CROSS = ("CrossAttnDownBlock2D", "CrossAttnUpBlock2D")
_PLAIN = ("DownBlock2D", "UpBlock2D")
SD15: dict[str, Any] = {
    "block_out_channels": (320, 640, 1280, 1280),
    "down_block_types": (*[_CROSS[0]] * 3, _PLAIN[0]),
    "up_block_types": (_PLAIN[1], *[_CROSS[1]] * 3),
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
}
SDXL: dict[str, Any] = {
    "block_out_channels": (320, 640, 1280),
    "down_block_types": (_PLAIN[0], *[_CROSS[0]] * 2),
    "up_block_types": (*[_CROSS[1]] * 2, _PLAIN[1]),
    "transformer_layers_per_block": (1, 2, 10),
    "cross_attention_dim": 2048,
    "attention_head_dim": (5, 10, 20),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
#: The same shapes with few channels and blocks, to try the code without waiting.
TINY = {
    "SD1.5": {**SD15, "block_out_channels": (32, 32, 32, 32), "cross_attention_dim": 32, "attention_head_dim": 2},
    "SDXL": {
        **SDXL,
        "block_out_channels": (32, 32, 32),
        "transformer_layers_per_block": (1, 1, 2),
        "cross_attention_dim": 32,
        "attention_head_dim": (1, 1, 2),
    },
}
TOKENS = 77


@dataclass
class Setting:
    """Where and how to compute; ``clock`` gives seconds."""

    device: Any
    dtype: Any
    channels_last: bool = False
    clock: Callable[[], float] = time.perf_counter

    def now(self) -> float:
        """The clock once everything that was begun is done."""
        if self.device.type == "cuda":
            import torch

            torch.cuda.synchronize(self.device)
        return self.clock()


@dataclass
class Subject:
    """A network of diffusers, its MODEL, and what it is asked for: ``latent`` ``[1,C,h,w]``, ``text`` ``[1,T,D]`` each
    for positive and negative, ``predicts`` ``"noise"`` or ``"data"``."""

    name: str
    unet: Any
    model: Any
    latent: Any
    texts: tuple[Any, Any]
    predicts: str = "noise"
    more: dict[str, Any] = field(default_factory=dict)


def random_unet(config: dict[str, Any], setting: Setting) -> Any:
    """diffusers' U-Net with numbers that keep it finite."""
    import torch
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    from comfy_notebook.diffusion.checkpoints.meta import quiet_libraries, without_weights

    quiet_libraries()
    with without_weights():
        unet = UNet2DConditionModel(**config)
    unet = unet.to(setting.dtype).to_empty(device=setting.device).eval().requires_grad_(False)
    generator = torch.Generator(setting.device).manual_seed(0)
    for name, parameter in unet.named_parameters():
        if parameter.ndim > 1:
            parameter.normal_(0, 1 / parameter[0].numel() ** 0.5, generator=generator)
        else:
            parameter.fill_(1.0 if name.endswith("weight") else 0.0)
    return unet.to(memory_format=torch.channels_last) if setting.channels_last else unet


def subject(name: str, config: dict[str, Any], side: int, setting: Setting) -> Subject:
    """A network and a picture of ``side`` pixels."""
    import torch

    import comfy_notebook as cn

    unet = random_unet(config, setting)
    generator = torch.Generator().manual_seed(1)
    texts = tuple(torch.randn(1, TOKENS, config["cross_attention_dim"], generator=generator) for _ in range(2))
    more: dict[str, Any] = {}
    if "projection_class_embeddings_input_dim" in config:
        width = config["projection_class_embeddings_input_dim"] - 6 * config["addition_time_embed_dim"]
        more["pooled_output"] = torch.randn(1, width, generator=generator)
    latent = torch.zeros(1, unet.config.in_channels, side // 8, side // 8)
    return Subject(f"{name}, {side} px", unet, cn.wrap_model(unet), latent, (texts[0], texts[1]), more=more)


def bare_loop(one: Subject, sigmas: Any, cfg: float, setting: Setting) -> Any:
    """Euler steps around the network and nothing else: both prompts in one call, everything prepared before."""
    import torch

    device, dtype = setting.device, setting.dtype
    text = torch.cat([one.texts[1], one.texts[0]]).to(device, dtype)
    timesteps = [one.model.model.model_sampling.timestep(sigma).float().to(device) for sigma in sigmas[:-1]]
    sigmas = sigmas.to(device)
    added: Any = None
    if "pooled_output" in one.more:
        side = float(one.latent.shape[-1] * 8)
        ids = torch.tensor([side, side, 0.0, 0.0, side, side], device=device, dtype=dtype)
        added = {"text_embeds": one.more["pooled_output"].to(device, dtype).repeat(2, 1), "time_ids": ids.repeat(2, 1)}
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(one.latent.shape, generator=generator).to(device) * (sigmas[0] ** 2 + 1) ** 0.5
    with torch.no_grad():
        for index, timestep in enumerate(timesteps):
            sigma, below = sigmas[index], sigmas[index + 1]
            given = (torch.cat([x, x]) / (sigma**2 + 1) ** 0.5).to(dtype)
            made = one.unet(given, timestep, text, added_cond_kwargs=added, return_dict=False)[0].float()
            negative, positive = made.chunk(2)
            made = negative + (positive - negative) * cfg
            slope = made if one.predicts == "noise" else (x - made) / sigma
            x = x + slope * (below - sigma)
    return x


def operations(one: Subject, setting: Setting) -> float:
    """Multiplications and additions of one step (both prompts)."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    sigmas = torch.tensor([1.0, 0.0])
    with counter:
        bare_loop(one, sigmas, 2.0, setting)
    return float(counter.get_total_flops())


def peak_throughput(setting: Setting, side: int) -> float:
    """Operations a second of the best of some large matrix products: what the machine can do at most."""
    import torch

    first, second = (torch.randn(side, side, device=setting.device, dtype=setting.dtype) for _ in range(2))
    best = 0.0
    for _ in range(6):
        started = setting.now()
        for _ in range(4):
            torch.matmul(first, second)
        best = max(best, 4 * 2 * side**3 / max(setting.now() - started, 1e-9))
    return best
