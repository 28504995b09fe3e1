"""Small random checkpoints in the layouts of the original programs: names and shapes as these programs write them."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from comfy_notebook.diffusion.checkpoints.files import write_weights

Shapes = dict[str, tuple[int, ...]]


def random_weights(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Values that keep activations near 1, the same for the same name."""
    made = {}
    for name, shape in shapes.items():
        generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
        values = torch.randn(shape, generator=generator)
        if len(shape) >= 2:
            made[name] = values * (0.3 if "embedding" in name else 1 / math.sqrt(math.prod(shape[1:])))
        else:
            made[name] = 0.05 * values + (1.0 if name.endswith(("weight", "scale")) else 0.0)
    return made


def layer(name: str, *shape: int, bias: bool = True) -> Shapes:
    return {f"{name}.weight": shape, **({f"{name}.bias": shape[:1]} if bias else {})}


def _resnet(name: str, before: int, after: int, embedding: int) -> Shapes:
    made = layer(f"{name}.in_layers.0", before) | layer(f"{name}.in_layers.2", after, before, 3, 3)
    made |= layer(f"{name}.emb_layers.1", after, embedding)
    made |= layer(f"{name}.out_layers.0", after) | layer(f"{name}.out_layers.3", after, after, 3, 3)
    return made | (layer(f"{name}.skip_connection", after, before, 1, 1) if before != after else {})


def _transformer(name: str, width: int, depth: int, context: int, linear: bool) -> Shapes:
    kernel = () if linear else (1, 1)
    made = layer(f"{name}.norm", width) | layer(f"{name}.proj_in", width, width, *kernel)
    for index in range(depth):
        block = f"{name}.transformer_blocks.{index}"
        for attention, source in (("attn1", width), ("attn2", context)):
            made |= layer(f"{block}.{attention}.to_q", width, width, bias=False)
            made |= layer(f"{block}.{attention}.to_k", width, source, bias=False)
            made |= layer(f"{block}.{attention}.to_v", width, source, bias=False)
            made |= layer(f"{block}.{attention}.to_out.0", width, width)
        made |= layer(f"{block}.ff.net.0.proj", width * 8, width) | layer(f"{block}.ff.net.2", width, width * 4)
        for number in (1, 2, 3):
            made |= layer(f"{block}.norm{number}", width)
    return made | layer(f"{name}.proj_out", width, width, *kernel)


def ldm_unet(
    widths: Sequence[int],
    depths: Sequence[int],
    middle: int,
    context: int,
    linear: bool = False,
    vector: int = 0,
    channels: int = 4,
    per_block: int = 2,
) -> Shapes:
    """The U-Net of Stable Diffusion (CompVis, Stability) with these widths and numbers of transformer blocks."""
    base, embedding = widths[0], widths[0] * 4
    made = layer("time_embed.0", embedding, base) | layer("time_embed.2", embedding, embedding)
    if vector:
        made |= layer("label_emb.0.0", embedding, vector) | layer("label_emb.0.2", embedding, embedding)
    made |= layer("input_blocks.0.0", base, channels, 3, 3)
    skips, current, index = [base], base, 1
    for level, width in enumerate(widths):
        for _ in range(per_block):
            made |= _resnet(f"input_blocks.{index}.0", current, width, embedding)
            if depths[level]:
                made |= _transformer(f"input_blocks.{index}.1", width, depths[level], context, linear)
            current = width
            skips.append(current)
            index += 1
        if level < len(widths) - 1:
            made |= layer(f"input_blocks.{index}.0.op", current, current, 3, 3)
            skips.append(current)
            index += 1
    made |= _resnet("middle_block.0", current, current, embedding)
    made |= _transformer("middle_block.1", current, middle, context, linear)
    made |= _resnet("middle_block.2", current, current, embedding)
    index = 0
    for level in reversed(range(len(widths))):
        for number in range(per_block + 1):
            made |= _resnet(f"output_blocks.{index}.0", current + skips.pop(), widths[level], embedding)
            current, part = widths[level], 1
            if depths[level]:
                made |= _transformer(f"output_blocks.{index}.1", current, depths[level], context, linear)
                part = 2
            if level and number == per_block:
                made |= layer(f"output_blocks.{index}.{part}.conv", current, current, 3, 3)
            index += 1
    return made | layer("out.0", base) | layer("out.2", 4, base, 3, 3)


def _vae_resnet(name: str, before: int, after: int) -> Shapes:
    made = layer(f"{name}.norm1", before) | layer(f"{name}.conv1", after, before, 3, 3)
    made |= layer(f"{name}.norm2", after) | layer(f"{name}.conv2", after, after, 3, 3)
    return made | (layer(f"{name}.nin_shortcut", after, before, 1, 1) if before != after else {})


def _vae_middle(side: str, width: int) -> Shapes:
    made = _vae_resnet(f"{side}.mid.block_1", width, width) | _vae_resnet(f"{side}.mid.block_2", width, width)
    made |= layer(f"{side}.mid.attn_1.norm", width)
    for part in ("q", "k", "v", "proj_out"):
        made |= layer(f"{side}.mid.attn_1.{part}", width, width, 1, 1)
    return made


def ldm_vae(widths: Sequence[int] = (32, 32, 64, 64), latent: int = 4, quant: bool = True) -> Shapes:
    """The autoencoder of Stable Diffusion; Flux's has 16 channels and no ``quant_conv``."""
    made = layer("encoder.conv_in", widths[0], 3, 3, 3)
    current = widths[0]
    for level, width in enumerate(widths):
        for number in range(2):
            made |= _vae_resnet(f"encoder.down.{level}.block.{number}", current, width)
            current = width
        if level < len(widths) - 1:
            made |= layer(f"encoder.down.{level}.downsample.conv", width, width, 3, 3)
    made |= _vae_middle("encoder", current) | layer("encoder.norm_out", current)
    made |= layer("encoder.conv_out", 2 * latent, current, 3, 3) | layer("decoder.conv_in", current, latent, 3, 3)
    made |= _vae_middle("decoder", current)
    for level in reversed(range(len(widths))):
        for number in range(3):
            made |= _vae_resnet(f"decoder.up.{level}.block.{number}", current, widths[level])
            current = widths[level]
        if level:
            made |= layer(f"decoder.up.{level}.upsample.conv", current, current, 3, 3)
    made |= layer("decoder.norm_out", current) | layer("decoder.conv_out", 3, current, 3, 3)
    if quant:
        made |= layer("quant_conv", 2 * latent, 2 * latent, 1, 1) | layer("post_quant_conv", latent, latent, 1, 1)
    return made


def clip(width: int = 64, layers: int = 3) -> Shapes:
    """A CLIP text encoder under transformers' names."""
    table = "text_model.embeddings"
    made: Shapes = {
        f"{table}.token_embedding.weight": (49408, width),
        f"{table}.position_embedding.weight": (77, width),
    }
    for number in range(layers):
        name = f"text_model.encoder.layers.{number}"
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            made |= layer(f"{name}.self_attn.{part}", width, width)
        made |= layer(f"{name}.mlp.fc1", width * 4, width) | layer(f"{name}.mlp.fc2", width, width * 4)
        made |= layer(f"{name}.layer_norm1", width) | layer(f"{name}.layer_norm2", width)
    return made | layer("text_model.final_layer_norm", width)


def open_clip(width: int = 64, layers: int = 3) -> Shapes:
    """A CLIP text encoder under OpenCLIP's names."""
    made: Shapes = {"token_embedding.weight": (49408, width), "positional_embedding": (77, width)}
    made |= {"text_projection": (width, width), "logit_scale": ()}
    for number in range(layers):
        name = f"transformer.resblocks.{number}"
        made |= {f"{name}.attn.in_proj_weight": (3 * width, width), f"{name}.attn.in_proj_bias": (3 * width,)}
        made |= layer(f"{name}.attn.out_proj", width, width)
        made |= layer(f"{name}.mlp.c_fc", width * 4, width) | layer(f"{name}.mlp.c_proj", width, width * 4)
        made |= layer(f"{name}.ln_1", width) | layer(f"{name}.ln_2", width)
    return made | layer("ln_final", width)


def below(prefix: str, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``weights`` with ``prefix`` before their names."""
    return {prefix + name: value for name, value in weights.items()}


def sd1(channels: int = 4) -> dict[str, Tensor]:
    """Stable Diffusion 1, small."""
    unet = ldm_unet((32, 64, 64), (1, 1, 0), 1, 64, channels=channels)
    return (
        below("model.diffusion_model.", random_weights(unet))
        | below("cond_stage_model.transformer.", random_weights(clip()))
        | below("first_stage_model.", random_weights(ldm_vae()))
    )


def sd2() -> dict[str, Tensor]:
    """Stable Diffusion 2, small."""
    return (
        below("model.diffusion_model.", random_weights(ldm_unet((64, 128), (1, 0), 1, 64, linear=True)))
        | below("cond_stage_model.model.", random_weights(open_clip()))
        | below("first_stage_model.", random_weights(ldm_vae()))
    )


def sdxl(channels: int = 4) -> dict[str, Tensor]:
    """Stable Diffusion XL, small: widths 64 and 128, pooled text of 64."""
    unet = ldm_unet((64, 64, 128), (0, 1, 2), 2, 128, True, vector=64 + 6 * 256, channels=channels)
    return (
        below("model.diffusion_model.", random_weights(unet))
        | below("conditioner.embedders.0.transformer.", random_weights(clip()))
        | below("conditioner.embedders.1.model.", random_weights(open_clip()))
        | below("first_stage_model.", random_weights(ldm_vae()))
    )


def refiner() -> dict[str, Tensor]:
    """The refiner of Stable Diffusion XL, small."""
    unet = ldm_unet((64, 64, 128, 128), (0, 1, 1, 0), 1, 64, True, vector=64 + 5 * 256)
    return (
        below("model.diffusion_model.", random_weights(unet))
        | below("conditioner.embedders.0.model.", random_weights(open_clip()))
        | below("first_stage_model.", random_weights(ldm_vae()))
    )


def write(weights: Mapping[str, Tensor], path: Path) -> Path:
    """A half-precision file of ``weights``."""
    write_weights({name: value.half() for name, value in weights.items()}, path)
    return path


def flux(channels: int = 64, guidance: bool = True, chroma: bool = False) -> dict[str, Tensor]:
    """Flux.1 in Black Forest Labs' layout, small: two heads of 32, two double and two single blocks."""
    hidden, head = 64, 32
    made = layer("img_in", hidden, channels) | layer("txt_in", hidden, 48)
    if chroma:
        made |= layer("distilled_guidance_layer.in_proj", 96, 64) | layer(
            "distilled_guidance_layer.out_proj", hidden, 96
        )
        for number in range(2):
            made |= layer(f"distilled_guidance_layer.layers.{number}.in_layer", 96, 96)
            made |= layer(f"distilled_guidance_layer.layers.{number}.out_layer", 96, 96)
            made |= {f"distilled_guidance_layer.norms.{number}.scale": (96,)}
    else:
        inputs = {"time_in": 256, "vector_in": 64, **({"guidance_in": 256} if guidance else {})}
        for name, width in inputs.items():
            made |= layer(f"{name}.in_layer", hidden, width) | layer(f"{name}.out_layer", hidden, hidden)
        made |= layer("final_layer.adaLN_modulation.1", 2 * hidden, hidden)
    for number in range(2):
        block = f"double_blocks.{number}"
        for side in ("img", "txt"):
            made |= {} if chroma else layer(f"{block}.{side}_mod.lin", 6 * hidden, hidden)
            made |= layer(f"{block}.{side}_attn.qkv", 3 * hidden, hidden)
            made |= layer(f"{block}.{side}_attn.proj", hidden, hidden)
            made |= {f"{block}.{side}_attn.norm.{part}_norm.scale": (head,) for part in ("query", "key")}
            made |= layer(f"{block}.{side}_mlp.0", 4 * hidden, hidden)
            made |= layer(f"{block}.{side}_mlp.2", hidden, 4 * hidden)
        block = f"single_blocks.{number}"
        made |= {} if chroma else layer(f"{block}.modulation.lin", 3 * hidden, hidden)
        made |= layer(f"{block}.linear1", 7 * hidden, hidden) | layer(f"{block}.linear2", hidden, 5 * hidden)
        made |= {f"{block}.norm.{part}_norm.scale": (head,) for part in ("query", "key")}
    return random_weights(made | layer("final_layer.linear", 64, hidden))


def sd3() -> dict[str, Tensor]:
    """Stable Diffusion 3.5 medium in Stability's layout, small: two heads of 32, one block with two attentions."""
    hidden, head = 64, 32
    made: Shapes = {"pos_embed": (1, 16 * 16, hidden)}
    made |= layer("x_embedder.proj", hidden, 16, 2, 2) | layer("context_embedder", hidden, 48)
    for name, width in (("t_embedder", 256), ("y_embedder", 40)):
        made |= layer(f"{name}.mlp.0", hidden, width) | layer(f"{name}.mlp.2", hidden, hidden)
    for number in range(2):
        for side in ("x", "context"):
            block = f"joint_blocks.{number}.{side}_block"
            dual, last = side == "x" and number == 0, side == "context" and number == 1
            modulations = 9 if dual else 2 if last else 6
            made |= layer(f"{block}.adaLN_modulation.1", modulations * hidden, hidden)
            for attention in ("attn", "attn2") if dual else ("attn",):
                made |= layer(f"{block}.{attention}.qkv", 3 * hidden, hidden)
                made |= {f"{block}.{attention}.{norm}.weight": (head,) for norm in ("ln_q", "ln_k")}
                made |= {} if last else layer(f"{block}.{attention}.proj", hidden, hidden)
            if not last:
                made |= layer(f"{block}.mlp.fc1", 4 * hidden, hidden) | layer(f"{block}.mlp.fc2", hidden, 4 * hidden)
    made |= layer("final_layer.adaLN_modulation.1", 2 * hidden, hidden) | layer("final_layer.linear", 64, hidden)
    return random_weights(made)


def auraflow() -> dict[str, Tensor]:
    """AuraFlow in Fal's layout, small: two heads of 32, one joint and two single blocks."""
    hidden, inner = 64, 256
    made: Shapes = {"register_tokens": (1, 8, hidden), "positional_encoding": (1, 16 * 16, hidden)}
    made |= layer("init_x_linear", hidden, 16) | layer("cond_seq_linear", hidden, 48, bias=False)
    made |= layer("t_embedder.mlp.0", hidden, 256) | layer("t_embedder.mlp.2", hidden, hidden)

    def forward(name: str) -> Shapes:
        parts = {"c_fc1": (inner, hidden), "c_fc2": (inner, hidden), "c_proj": (hidden, inner)}
        return {f"{name}.{part}.weight": shape for part, shape in parts.items()}

    for side, count, prefixes in (("double", 1, ("w1", "w2")), ("single", 2, ("w1",))):
        for number in range(count):
            block = f"{side}_layers.{number}"
            for prefix in prefixes:
                made |= {f"{block}.attn.{prefix}{part}.weight": (hidden, hidden) for part in "qkvo"}
            for part in ("X", "C") if side == "double" else ("",):
                made |= forward(f"{block}.mlp{part}")
                made |= layer(f"{block}.mod{part or 'CX'}.1", 6 * hidden, hidden, bias=False)
    made |= layer("modF.1", 2 * hidden, hidden, bias=False) | layer("final_linear", 16, hidden, bias=False)
    return random_weights(made)


def z_image() -> dict[str, Tensor]:
    """Z-Image in its own layout, small: two heads of 32, one refiner and two main blocks."""
    hidden, inner, head = 64, 170, 32
    made: Shapes = {"x_pad_token": (1, hidden), "cap_pad_token": (1, hidden), "cap_embedder.0.weight": (48,)}
    made |= layer("cap_embedder.1", hidden, 48) | layer("x_embedder", hidden, 64)
    made |= layer("t_embedder.mlp.0", 1024, 256) | layer("t_embedder.mlp.2", hidden, 1024)
    blocks = ["noise_refiner.0", "context_refiner.0", "layers.0", "layers.1"]
    for block in blocks:
        made |= layer(f"{block}.attention.qkv", 3 * hidden, hidden, bias=False)
        made |= layer(f"{block}.attention.out", hidden, hidden, bias=False)
        made |= {f"{block}.attention.{norm}.weight": (head,) for norm in ("q_norm", "k_norm")}
        made |= {f"{block}.feed_forward.{part}.weight": (inner, hidden) for part in ("w1", "w3")}
        made |= {f"{block}.feed_forward.w2.weight": (hidden, inner)}
        for norm in ("attention_norm1", "attention_norm2", "ffn_norm1", "ffn_norm2"):
            made |= {f"{block}.{norm}.weight": (hidden,)}
        if not block.startswith("context"):
            made |= layer(f"{block}.adaLN_modulation.0", 4 * hidden, hidden)
    made |= layer("final_layer.adaLN_modulation.1", hidden, hidden) | layer("final_layer.linear", 64, hidden)
    return random_weights(made | {"norm_final.weight": (hidden,)})


def qwen_image() -> dict[str, Tensor]:
    """Qwen-Image, small; its files have the names of diffusers."""
    import diffusers

    classes: Any = diffusers
    module = classes.QwenImageTransformer2DModel(
        num_layers=2, attention_head_dim=32, num_attention_heads=2, joint_attention_dim=48, axes_dims_rope=(4, 14, 14)
    )
    return random_weights({name: tuple(value.shape) for name, value in module.state_dict().items()})


def controlnet(xl: bool = False) -> dict[str, Tensor]:
    """A control network for :func:`sd1` or :func:`sdxl` in lllyasviel's layout."""
    if xl:
        widths, unet = (64, 64, 128), ldm_unet((64, 64, 128), (0, 1, 2), 2, 128, True, vector=64 + 6 * 256)
    else:
        widths, unet = (32, 64, 64), ldm_unet((32, 64, 64), (1, 1, 0), 1, 64)
    made = {name: shape for name, shape in unet.items() if not name.startswith(("out.", "output_blocks."))}
    hints = (16, 16, 16, 32, 32, 96, 96, 256, widths[0])
    before = 3
    for index, width in enumerate(hints):
        if index != 1:
            made |= layer(f"input_hint_block.{index * 2 - (2 if index > 1 else 0)}", width, before, 3, 3)
            before = width
    skips = [widths[0]]
    for level, width in enumerate(widths):
        skips += [width, width] + ([width] if level < len(widths) - 1 else [])
    for index, width in enumerate(skips):
        made |= layer(f"zero_convs.{index}.0", width, width, 1, 1)
    return random_weights(made | layer("middle_block_out.0", widths[-1], widths[-1], 1, 1))


#: diffusers' names of Wan's and Qwen-Image's autoencoder → Wan's own, one after the other.
_WAN = {
    "encoder.conv_in.": "encoder.conv1.",
    "decoder.conv_in.": "decoder.conv1.",
    "post_quant_conv.": "conv2.",
    "quant_conv.": "conv1.",
    "mid_block.resnets.0.": "middle.0.",
    "mid_block.attentions.0.": "middle.1.",
    "mid_block.resnets.1.": "middle.2.",
    ".norm_out.": ".head.0.",
    ".conv_out.": ".head.2.",
    ".down_blocks.": ".downsamples.",
    ".conv_shortcut.": ".shortcut.",
    **{
        f".{place}.{module}.": f".{place}.residual.{number}."
        for module, number in {"norm1": 0, "conv1": 2, "norm2": 3, "conv2": 6}.items()
        for place in map(str, range(20))
    },
}
_WAN_UP = re.compile(r"\.up_blocks\.(\d)\.(resnets|upsamplers)\.(\d)\.")


def wan_vae() -> dict[str, Tensor]:
    """The autoencoder of Wan 2.1 and Qwen-Image in Wan's layout, small."""
    import diffusers

    classes: Any = diffusers
    module = classes.AutoencoderKLQwenImage(base_dim=8, z_dim=16)

    def named(name: str) -> str:
        place = _WAN_UP.search(name)
        if place is not None:
            number = int(place[1]) * 4 + (int(place[3]) if place[2] == "resnets" else 3)
            name = _WAN_UP.sub(f".upsamples.{number}.", name)
        for theirs, own in _WAN.items():
            name = own + name.removeprefix(theirs) if name.startswith(theirs) else name
            name = name.replace(theirs, own) if not theirs.endswith("conv.") else name
        return name

    return random_weights({named(name): tuple(value.shape) for name, value in module.state_dict().items()})
