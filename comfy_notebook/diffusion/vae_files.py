"""Autoencoders in files: which one it is, and its coder with the weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import memory, tiny_autoencoder
from .checkpoints.files import WeightsError, read_weights
from .checkpoints.layout import Layout, Piece, assign
from .checkpoints.meta import quiet_libraries, shapes_of, without_weights
from .coders import PIXELS_OF_A_PATCH, Coder, KLCoder, PixelCoder, VideoCoder
from .vae import VAE
from .weights import NamedWeights

if TYPE_CHECKING:
    from torch import Tensor

Shapes = Mapping[str, tuple[int, ...]]
#: What precedes an autoencoder's names in checkpoints.
PREFIXES = ("first_stage_model.", "vae.")
_ATTENTION = {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}
_BLOCK = re.compile(r"(encoder|decoder)\.(mid|down|up)\.(.+)")


def load_vae(weights: Mapping[str, Tensor], file: str) -> VAE:
    """The autoencoder in ``weights`` (prefix removed).

    Raises :class:`WeightsError` when it is none of those known.
    """
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    if tiny_autoencoder.is_tiny(shapes):
        return tiny_autoencoder.vae_of(weights, file)
    coder, layout = _coder(shapes, file)
    dtype = memory.compute_dtype(None, _dtypes())
    if memory.policy.cpu_vae:
        dtype = _dtypes()[-1]
    own = shapes_of(coder.module)
    made = {name: value.to(dtype) for name, value in layout.to_module(weights, own).items()}
    assign(coder.module, made, f"autoencoder ({file})")
    table = NamedWeights()
    table.add("", coder.module, layout)
    coder.module.__dict__["named_weights"] = table
    return VAE(coder)


def load_vae_file(path: Path) -> VAE:
    """The autoencoder in a file of its own, or in a checkpoint.

    Raises :class:`WeightsError` when it can't be read or is none of those known.
    """
    weights, _ = read_weights(path)
    for prefix in PREFIXES:
        inside = {name[len(prefix) :]: value for name, value in weights.items() if name.startswith(prefix)}
        if inside:
            return load_vae(inside, path.name)
    return load_vae(weights, path.name)


def _dtypes() -> list[Any]:
    import torch

    return [torch.bfloat16, torch.float32]


def _coder(shapes: Shapes, file: str) -> tuple[Coder, Layout]:
    if "decoder.conv_in.weight" in shapes and "decoder.conv_out.weight" in shapes:
        if "decoder.up_blocks.0.resnets.0.norm1.weight" in shapes:
            return _kl(shapes, {name: name for name in shapes})
        if "decoder.up.0.block.0.norm1.weight" in shapes:
            levels = _levels(shapes)
            return _kl(shapes, {name: _kl_name(name, levels) for name in shapes})
    if "decoder.middle.0.residual.0.gamma" in shapes:
        return _wan(shapes)
    if PIXELS_OF_A_PATCH in shapes:
        return PixelCoder(shapes[PIXELS_OF_A_PATCH][0]), Layout()
    some = ", ".join(sorted(shapes)[:3])
    raise WeightsError(f"{file} holds no autoencoder (VAE) that is known; it has {len(shapes)} weights, such as {some}")


def _levels(shapes: Shapes) -> int:
    return 1 + max(int(name.split(".")[2]) for name in shapes if name.startswith("decoder.up."))


def _kl(shapes: Shapes, names: Mapping[str, str | None]) -> tuple[Coder, Layout]:
    """``AutoencoderKL`` of any size, under either program's names."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    quiet_libraries()
    layout = Layout()
    for name, renamed in names.items():
        if renamed is not None:
            layout.add(name, shapes[name], Piece(renamed))
    by_module = {renamed: shapes[name] for name, renamed in names.items() if renamed is not None}
    widths = _widths(by_module)
    moments, latent = by_module["encoder.conv_out.weight"][0], by_module["decoder.conv_in.weight"][1]
    per_block = 1 + max(
        int(name.split(".")[4]) for name in by_module if name.startswith("encoder.down_blocks.0.resnets.")
    )
    quant = "quant_conv.weight" in by_module
    with without_weights():
        module = AutoencoderKL(
            in_channels=by_module["encoder.conv_in.weight"][1],
            out_channels=by_module["decoder.conv_out.weight"][0],
            down_block_types=("DownEncoderBlock2D",) * len(widths),
            up_block_types=("UpDecoderBlock2D",) * len(widths),
            block_out_channels=widths,
            layers_per_block=per_block,
            latent_channels=latent,
            norm_num_groups=32,
            use_quant_conv=quant,
            use_post_quant_conv="post_quant_conv.weight" in by_module,
        )
    if moments != 2 * latent:
        raise WeightsError(f"this autoencoder makes {moments} numbers for {latent} latent channels, not two for each")
    return KLCoder(module, 2 ** (len(widths) - 1), latent), layout


def _wan(shapes: Shapes) -> tuple[Coder, Layout]:
    """The autoencoder of Wan 2.1 and Qwen-Image, in Wan's layout."""
    from diffusers.loaders import single_file_utils
    from diffusers.models.autoencoders.autoencoder_kl_qwenimage import AutoencoderKLQwenImage

    quiet_libraries()
    rename: Any = single_file_utils.convert_wan_vae_to_diffusers  # type: ignore[attr-defined, unused-ignore]
    layout = Layout()
    for renamed, name in rename({name: name for name in shapes}).items():
        layout.add(name, shapes[name], Piece(renamed))
    latent = shapes["conv2.weight"][0]
    make: Any = AutoencoderKLQwenImage
    with without_weights():
        module = make(base_dim=shapes["encoder.conv1.weight"][0], z_dim=latent)
    return VideoCoder(module, latent), layout


def _widths(shapes: Shapes) -> tuple[int, ...]:
    count = 1 + max(int(name.split(".")[2]) for name in shapes if name.startswith("encoder.down_blocks."))
    return tuple(shapes[f"encoder.down_blocks.{level}.resnets.0.conv2.weight"][0] for level in range(count))


def _kl_name(name: str, levels: int) -> str | None:
    """What diffusers calls a weight of the original program's autoencoder; None for what only training needs."""
    if name.startswith(("quant_conv.", "post_quant_conv.")):
        return name
    match = _BLOCK.fullmatch(name)
    if match is None:
        return name.replace(".norm_out.", ".conv_norm_out.") if name.startswith(("encoder.", "decoder.")) else None
    side, place, rest = match.groups()
    parts = rest.split(".")
    if place == "mid":
        return f"{side}.mid_block.{_middle(parts)}"
    level = int(parts[0]) if place == "down" else levels - 1 - int(parts[0])
    kind = ".".join(parts[2:])
    if parts[1] in ("downsample", "upsample"):
        return f"{side}.{place}_blocks.{level}.{place}samplers.0.{kind}"
    return f"{side}.{place}_blocks.{level}.resnets.{kind.replace('nin_shortcut', 'conv_shortcut')}"


def _middle(parts: list[str]) -> str:
    if parts[0] == "attn_1":
        return f"attentions.0.{_ATTENTION[parts[1]]}.{parts[2]}"
    number = int(parts[0].rsplit("_", 1)[1]) - 1
    return f"resnets.{number}.{'.'.join(parts[1:]).replace('nin_shortcut', 'conv_shortcut')}"
