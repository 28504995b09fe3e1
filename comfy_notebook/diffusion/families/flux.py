"""Flux.1 (dev, schnell, Fill, Depth, Canny, Kontext) and Chroma: transformers over tokens of 2 × 2 latent pixels."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from .. import attention_bias, conds, dit_patches, latent_formats
from . import flux_layout
from .family import Family
from .patches import from_tokens, padded, places, reference_places, to_tokens

if TYPE_CHECKING:
    from ..base_model import BaseModel

_CHANNELS = 16
_GUIDANCE = 3.5


class FluxNetwork(nn.Module):
    """``(x [B,C,h,w], sigma [B], context [B,T,D], y, guidance, ref_latents)`` → prediction ``[B,16,h,w]``."""

    blocks: ClassVar[tuple[dit_patches.Blocks, ...]] = (dit_patches.DOUBLE, dit_patches.SINGLE_JOINED)

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def forward(
        self,
        x: Tensor,
        timesteps: Tensor,
        context: Tensor,
        y: Tensor | None = None,
        guidance: Tensor | None = None,
        control: Any = None,
        transformer_options: dict[str, Any] | None = None,
        ref_latents: list[Tensor] | None = None,
        ref_latents_method: str = "offset",
        attention_mask: Tensor | None = None,
        **_unused: Any,
    ) -> Tensor:
        height, width = x.shape[-2:]
        whole = padded(x, 2)
        tokens, ids = self._picture(whole, ref_latents, ref_latents_method)
        arguments: dict[str, Any] = {
            "hidden_states": tokens,
            "encoder_hidden_states": context,
            "timestep": timesteps.to(x.device).expand(x.shape[0]),
            "img_ids": ids.to(x.device),
            "txt_ids": torch.zeros(context.shape[1], 3, device=x.device),
            "return_dict": False,
            **self._own_arguments(x, y, guidance),
            **_control(control, tokens.shape[1]),
            **_biased(attention_mask, context.shape[1] + tokens.shape[1]),
        }
        with (
            _guided(self.module, guidance is not None),
            dit_patches.patched(self.module, self.blocks, transformer_options, x, slice(0, context.shape[1])),
            dit_patches.embedded(self.module, arguments, transformer_options) as given,
        ):
            made = self.module(**given)[0][:, : whole.shape[-2] // 2 * (whole.shape[-1] // 2)]
        return from_tokens(made, *whole.shape[-2:])[..., :height, :width]

    def _own_arguments(self, x: Tensor, y: Tensor | None, guidance: Tensor | None) -> dict[str, Any]:
        config = self.module.config
        if y is None:
            y = x.new_zeros(x.shape[0], config.pooled_projection_dim)
        if not config.guidance_embeds:
            guidance = None
        elif guidance is None:
            guidance = x.new_zeros(x.shape[0])  # the module wants a number; what it makes of it is left out
        return {"pooled_projections": y[:, : config.pooled_projection_dim], "guidance": guidance}

    def _picture(self, whole: Tensor, references: list[Tensor] | None, method: str) -> tuple[Tensor, Tensor]:
        rows, columns = whole.shape[-2] // 2, whole.shape[-1] // 2
        tokens, ids = [to_tokens(whole)], [places(rows, columns)]
        latents = [padded(latent, 2).to(whole.dtype) for latent in references or []]
        sizes = [(latent.shape[-2] // 2, latent.shape[-1] // 2) for latent in latents]
        for latent, size, place in zip(latents, sizes, reference_places(sizes, (rows, columns), method), strict=True):
            tokens.append(to_tokens(latent))
            ids.append(places(*size, *place))
        return torch.cat(tokens, dim=1), torch.cat(ids)


class ChromaNetwork(FluxNetwork):
    """Flux without a pooled text; its modulations come from a small network of their own."""

    blocks: ClassVar[tuple[dit_patches.Blocks, ...]] = (dit_patches.DOUBLE, dit_patches.SINGLE)

    def _own_arguments(self, x: Tensor, y: Tensor | None, guidance: Tensor | None) -> dict[str, Any]:
        return {}


@contextlib.contextmanager
def _guided(module: Any, wanted: bool) -> Iterator[None]:
    """Without guidance, its embedding adds nothing to that of the time."""
    embedder = getattr(getattr(module, "time_text_embed", None), "guidance_embedder", None)
    if wanted or embedder is None:
        yield
        return
    hook = embedder.register_forward_hook(lambda _module, _given, made: torch.zeros_like(made))
    try:
        yield
    finally:
        hook.remove()


def _control(control: Any, tokens: int) -> dict[str, Any]:
    """Residuals of a control network under the names of diffusers; nothing is added to pictures the model looks at."""
    names = {"input": "controlnet_block_samples", "output": "controlnet_single_block_samples"}
    return {
        names[side]: [_lengthened(value, tokens) for value in values]
        for side, values in (control or {}).items()
        if side in names and values
    }


def _lengthened(residual: Tensor, tokens: int) -> Tensor:
    more = tokens - residual.shape[1]
    return nn.functional.pad(residual, (0, 0, 0, more)) if more else residual


def _biased(mask: Tensor | None, tokens: int) -> dict[str, Any]:
    """What is added to the scores of attention, for pictures the model looks at nothing."""
    if mask is None:
        return {}
    more = tokens - mask.shape[-1]
    return {"joint_attention_kwargs": {"attention_mask": nn.functional.pad(mask, (0, more, 0, more)).unsqueeze(1)}}


class Flux(Family):
    """Flux.1 dev and its kin: guidance goes in as a number."""

    title = "Flux.1"
    #: Whether conditionings may weigh what attends to what.
    biases_attention: ClassVar[bool] = True
    dtypes: ClassVar[tuple[str, ...]] = ("bfloat16", "float16", "float32")
    sampling_kind = "FLUX"
    latent_format = latent_formats.FLUX
    memory_usage_factor = 3.1

    @classmethod
    def recognise(cls, shapes: Mapping[str, tuple[int, ...]]) -> Family | None:
        if "double_blocks.0.img_attn.norm.key_norm.scale" not in shapes or "img_in.weight" not in shapes:
            return None
        if not cls._is_of_kind(shapes):
            return None
        made = cls(cls._describe(shapes), flux_layout.layout(shapes))
        made._adapt()
        return made

    @classmethod
    def _is_of_kind(cls, shapes: Mapping[str, tuple[int, ...]]) -> bool:
        return "vector_in.in_layer.weight" in shapes and "double_blocks.0.img_mod.lin.weight" in shapes

    @classmethod
    def _describe(cls, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
        return {
            **_size(shapes),
            "pooled_projection_dim": shapes["vector_in.in_layer.weight"][1],
            "guidance_embeds": "guidance_in.in_layer.weight" in shapes,
        }

    def _adapt(self) -> None:
        """What the arguments say about sampling and extra channels."""
        self.concat_keys = _more_inputs(self.config["in_channels"])
        if not self.config["guidance_embeds"]:
            self.sampling_kind = "FLOW"
            self.sampling_settings = {"shift": 1.0, "multiplier": 1.0}

    def module(self) -> nn.Module:
        from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel

        return FluxTransformer2DModel(**self.config)  # type: ignore[no-any-return, no-untyped-call, unused-ignore]

    def adapter(self, module: nn.Module) -> nn.Module:
        return FluxNetwork(module)

    def vector(self, model: BaseModel, **given: Any) -> Tensor | None:
        return given.get("pooled_output")

    def extra_conds(self, model: BaseModel, **given: Any) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if (text := given.get("cross_attn")) is not None:
            made["c_crossattn"] = conds.CONDRegular(text)
        if (vector := self.vector(model, **given)) is not None:
            made["y"] = conds.CONDRegular(vector)
        if self.config.get("guidance_embeds"):
            guidance = given.get("guidance", _GUIDANCE)
            if guidance is not None:  # FluxDisableGuidance
                made["guidance"] = conds.CONDRegular(torch.tensor([float(guidance)]))
        if (mask := given.get("attention_mask")) is not None and self.biases_attention:
            grid = tuple(-(-side // 2) for side in given["noise"].shape[-2:])
            shape = given.get("attention_mask_img_shape", (1, 1))
            made["attention_mask"] = conds.CONDRegular(attention_bias.for_picture(mask, shape, grid))
        return made | reference_conds(model, **given)

    def concat_cond(self, model: BaseModel, **given: Any) -> Tensor | None:
        """Fill: the picture without what is painted anew, and the mask, 8 × 8 pixels as 64 channels. Depth and Canny:
        the control picture."""
        from .concat import fitted, mask_of

        # A LoRA may have given the network more inputs than its file has.
        network: Any = model.diffusion_model
        keys = _more_inputs(network.module.x_embedder.weight.shape[1])
        if not keys:
            return None
        noise = given["noise"]
        image = given.get("concat_latent_image")
        image = torch.zeros_like(noise) if image is None else fitted(model.process_latent_in(image), noise)
        if "mask" not in keys:
            return image
        height, width = noise.shape[-2:]
        mask = mask_of(noise.new_zeros(noise.shape[0], 1, height * 8, width * 8), **given)
        squares = mask.reshape(-1, height, 8, width, 8).permute(0, 2, 4, 1, 3)
        return torch.cat([image, squares.reshape(-1, 64, height, width)], dim=1)


class Chroma(Flux):
    """Flux.1 schnell with a smaller modulation and T5 only."""

    title = "Chroma"
    biases_attention = False
    sampling_kind = "FLOW"
    sampling_settings: Mapping[str, Any] = {"shift": 1.0, "multiplier": 1.0}

    @classmethod
    def _is_of_kind(cls, shapes: Mapping[str, tuple[int, ...]]) -> bool:
        return "distilled_guidance_layer.in_proj.weight" in shapes

    @classmethod
    def _describe(cls, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
        layers = [int(name.split(".")[2]) for name in shapes if name.startswith("distilled_guidance_layer.layers.")]
        hidden, inner = shapes["distilled_guidance_layer.in_proj.weight"]
        size = _size(shapes)
        return {
            **size,
            "approximator_num_channels": inner,
            "approximator_hidden_dim": hidden,
            "approximator_layers": 1 + max(layers),
        }

    def _adapt(self) -> None:
        pass

    def module(self) -> nn.Module:
        from diffusers.models.transformers.transformer_chroma import ChromaTransformer2DModel

        return ChromaTransformer2DModel(**self.config)  # type: ignore[no-any-return, no-untyped-call, unused-ignore]

    def adapter(self, module: nn.Module) -> nn.Module:
        return ChromaNetwork(module)

    def vector(self, model: BaseModel, **given: Any) -> Tensor | None:
        return None


def _more_inputs(values: int) -> tuple[str, ...]:
    """What goes in beside the latent, for a network that takes this many values for each token."""
    extra = values // 4 - _CHANNELS
    return () if extra <= 0 else ("image",) if extra == _CHANNELS else ("image", "mask")


def reference_conds(model: BaseModel, **given: Any) -> dict[str, Any]:
    """Pictures the model shall look at, and where they lie."""
    latents = given.get("reference_latents")
    if not latents:
        return {}
    made: dict[str, Any] = {"ref_latents": conds.CONDList([model.process_latent_in(latent) for latent in latents])}
    if method := given.get("reference_latents_method"):
        made["ref_latents_method"] = conds.CONDConstant(method)
    return made


def _size(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    hidden, values = shapes["img_in.weight"]
    head = shapes["double_blocks.0.img_attn.norm.key_norm.scale"][0]
    side = (head - head // 8) // 2
    return {
        "in_channels": values,
        "out_channels": shapes["final_layer.linear.weight"][0],
        "num_layers": _count(shapes, "double_blocks."),
        "num_single_layers": _count(shapes, "single_blocks."),
        "attention_head_dim": head,
        "num_attention_heads": hidden // head,
        "joint_attention_dim": shapes["txt_in.weight"][1],
        "axes_dims_rope": (head - 2 * side, side, side),
    }


def _count(shapes: Mapping[str, tuple[int, ...]], prefix: str) -> int:
    return 1 + max((int(name.split(".")[1]) for name in shapes if name.startswith(prefix)), default=-1)
