"""Control networks in files: the layout of the original program, or of diffusers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import memory
from ..checkpoints.files import WeightsError, read_weights
from ..checkpoints.layout import Layout, Piece, assign
from ..checkpoints.load import raise_if_lora, without_prefix
from ..checkpoints.meta import quiet_libraries, shapes_of, without_weights
from ..checkpoints.quantised import dequantised
from ..families import unet_layout
from .controlnet import ControlNet

if TYPE_CHECKING:
    from torch import Tensor

Shapes = Mapping[str, tuple[int, ...]]
_HINT = {0: "conv_in", 14: "conv_out"}


def load_controlnet(path: Path) -> ControlNet:
    """The control network of a file.

    Raises :class:`WeightsError` when it can't be read or is of no known kind.
    """
    weights, _ = read_weights(path)
    raise_if_lora(weights, path.name)
    weights = dequantised(without_prefix(weights, "control_model.") or weights)
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    if "zero_convs.0.0.weight" in shapes:
        layout, config = _original(shapes)
    elif "controlnet_cond_embedding.conv_in.weight" in shapes and "task_embedding" not in shapes:
        layout, config = _of_diffusers(shapes)
    else:
        raise WeightsError(
            f"{path.name} is no control network that is known: those of Stable Diffusion 1, 2 and XL are, with one "
            f"kind of picture each. It has {len(shapes)} weights, such as {', '.join(sorted(shapes)[:3])}"
        )
    return ControlNet(_module(weights, layout, config, path.name))


def _module(weights: Mapping[str, Tensor], layout: Layout, config: dict[str, Any], file: str) -> Any:
    import torch
    from diffusers.models.controlnets.controlnet import ControlNetModel

    from .network import ControlNetwork

    quiet_libraries()
    with without_weights():
        module = ControlNetModel(**config)
    dtype = memory.compute_dtype(None, [torch.float16, torch.bfloat16])
    state = layout.to_module(weights, shapes_of(module))
    assign(module, {name: value.to(dtype) for name, value in state.items()}, f"control network ({file})")
    return ControlNetwork(module)


def _config(unet: dict[str, Any], hint: tuple[int, ...]) -> dict[str, Any]:
    kept = {key: value for key, value in unet.items() if key not in ("sample_size", "out_channels", "up_block_types")}
    return {**kept, "conditioning_embedding_out_channels": hint}


def _original(shapes: Shapes) -> tuple[Layout, dict[str, Any]]:
    with_end = {**shapes, "out.2.weight": (4,)}
    unet = unet_layout.describe(with_end)
    layout = unet_layout.layout(shapes, unet["layers_per_block"])
    for name, shape in shapes.items():
        if (renamed := _control_name(name)) is not None:
            layout.add(name, shape, Piece(renamed))
    hint = tuple(shapes[f"input_hint_block.{index}.weight"][0] for index in (0, 4, 8, 12))
    return layout, _config(unet, hint)


def _control_name(name: str) -> str | None:
    """What diffusers calls the parts that only control networks have."""
    kind = name.rsplit(".", 1)[1]
    if name.startswith("zero_convs."):
        return f"controlnet_down_blocks.{name.split('.')[1]}.{kind}"
    if name.startswith("middle_block_out."):
        return f"controlnet_mid_block.{kind}"
    if name.startswith("input_hint_block."):
        index = int(name.split(".")[1])
        part = _HINT.get(index) or f"blocks.{index // 2 - 1}"
        return f"controlnet_cond_embedding.{part}.{kind}"
    return None


def _of_diffusers(shapes: Shapes) -> tuple[Layout, dict[str, Any]]:
    layout = Layout()
    for name, shape in shapes.items():
        layout.add(name, shape, Piece(name))
    levels = 1 + max(int(name.split(".")[1]) for name in shapes if name.startswith("down_blocks."))
    widths = tuple(shapes[f"down_blocks.{level}.resnets.0.conv2.weight"][0] for level in range(levels))
    depths = [_depth(shapes, f"down_blocks.{level}.attentions.0.") for level in range(levels)]
    linear = len(shapes["mid_block.attentions.0.proj_in.weight"]) == 2
    resnets = [int(name.split(".")[3]) for name in shapes if name.startswith("down_blocks.0.resnets.")]
    unet: dict[str, Any] = {
        "in_channels": shapes["conv_in.weight"][1],
        "block_out_channels": widths,
        "layers_per_block": 1 + max(resnets),
        "down_block_types": tuple("CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in depths),
        "transformer_layers_per_block": tuple(max(depth, 1) for depth in depths),
        "cross_attention_dim": shapes["mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"][1],
        "attention_head_dim": tuple(max(width // 64, 1) if linear else 8 for width in widths),
        "use_linear_projection": linear,
    }
    if "add_embedding.linear_1.weight" in shapes:
        unet |= {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": shapes["add_embedding.linear_1.weight"][1],
        }
    embedding = "controlnet_cond_embedding"
    blocks = 1 + max(int(name.split(".")[2]) for name in shapes if name.startswith(f"{embedding}.blocks."))
    hint = [shapes[f"{embedding}.conv_in.weight"][0]]
    hint += [shapes[f"{embedding}.blocks.{number}.weight"][0] for number in range(1, blocks, 2)]
    return layout, _config(unet, tuple(hint))


def _depth(shapes: Shapes, prefix: str) -> int:
    start = f"{prefix}transformer_blocks."
    return 1 + max((int(name[len(start) :].split(".")[0]) for name in shapes if name.startswith(start)), default=-1)
