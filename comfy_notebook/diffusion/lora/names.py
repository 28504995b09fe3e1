"""Which weight a LoRA file means: each training program writes the name of a layer in its own way."""

from __future__ import annotations

from typing import Any

from ..weights import weights_of

#: A weight's name, or (name, (dimension, first, rows)) where the layer is a part of it.
Target = str | tuple[str, tuple[int, int, int]]
_UNET = "diffusion_model."
#: Encoder → what precedes its layers in files of kohya's programs and of diffusers.
_TEXT = {
    "clip_l.transformer.": ("lora_te_", "lora_te1_", "text_encoder.", "text_encoders.clip_l.transformer."),
    "clip_h.transformer.": ("lora_te_", "text_encoder."),
    "clip_g.transformer.": ("lora_te2_", "text_encoder_2.", "text_encoders.clip_g.transformer."),
    "t5xxl.transformer.": ("lora_te3_", "text_encoder_3.", "text_encoders.t5xxl.transformer."),
}


def model_names(model: Any) -> dict[str, Target]:
    """Layer names that files use → weights of a diffusion model (its ``BaseModel``)."""
    names: dict[str, Target] = {}
    weights = weights_of(model)
    for parameter, target in weights.by_parameter().items():
        if parameter.endswith(".weight"):
            layer = parameter[len(_UNET) : -len(".weight")]
            _add(names, layer, target)
    for weight in weights:
        if weight.startswith(_UNET) and weight.endswith(".weight"):
            _add(names, weight[len(_UNET) : -len(".weight")], weight)
        if weight.startswith(_UNET):
            names[weight] = weight
    return names


def _add(names: dict[str, Target], layer: str, target: Target) -> None:
    """The layer in the file's or the module's own words, as kohya's programs, diffusers and others spell it."""
    flat = layer.replace(".", "_")
    for name in (f"lora_unet_{flat}", f"lycoris_{flat}", f"lora_transformer_{flat}"):
        names[name] = target
    for prefix in ("unet.", "transformer.", "diffusion_model.", "base_model.model.", ""):
        names[prefix + layer] = target
    processor = _processor_name(layer)
    if processor is not None:
        names[processor] = names[f"unet.{processor}"] = target


def _processor_name(layer: str) -> str | None:
    """How early diffusers named attention: ``…attn1.processor.to_q`` with ``_lora`` behind it."""
    for part in ("to_q", "to_k", "to_v", "to_out.0"):
        if layer.endswith("." + part) and ".attn" in layer:
            return f"{layer[: -len(part)]}processor.{part.removesuffix('.0')}"
    return None


def text_names(stack: Any) -> dict[str, Target]:
    """Layer names that files use → weights of text encoders."""
    names: dict[str, Target] = {}
    weights = weights_of(stack)
    single = not any(weight.startswith("clip_g.") for weight in weights)
    for weight in weights:
        if not weight.endswith(".weight"):
            continue
        for encoder, prefixes in _TEXT.items():
            if weight.startswith(encoder):
                layer = weight[len(encoder) : -len(".weight")]
                for prefix in prefixes:
                    if prefix != "lora_te_" or single:
                        names[prefix + (layer.replace(".", "_") if prefix.endswith("_") else layer)] = weight
        names[f"text_encoders.{weight[: -len('.weight')]}"] = weight
    return names
