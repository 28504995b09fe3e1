"""Changes of how a network runs: other attention, other weights of skip connections, compilation."""

from __future__ import annotations

from typing import Any

from . import inputs


def _freeu_inputs(b1: float, b2: float) -> dict[str, Any]:
    def scale(default: float, tooltip: str) -> inputs.Spec:
        return inputs.number(default, 0.0, 10.0, 0.01, tooltip)

    return {
        "required": {
            "model": inputs.socket("MODEL"),
            "b1": scale(b1, "Strength of the backbone in the deepest blocks."),
            "b2": scale(b2, "Strength of the backbone in the next blocks."),
            "s1": scale(0.9, "Strength of smooth parts of the skip connections in the deepest blocks."),
            "s2": scale(0.2, "The same in the next blocks."),
        }
    }


class PerturbedAttentionGuidance:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "model_patches/unet"
    DESCRIPTION = (
        "Leads away from what the model paints without looking at the whole (Ahn et al. 2024): clearer shapes."
    )
    SEARCH_ALIASES = ["pag"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        scale = inputs.number(3.0, 0.0, 100.0, 0.01, "How far away; costs one more call a step.", round=0.01)
        return {"required": {"model": inputs.socket("MODEL"), "scale": scale}}

    def patch(self, model: Any, scale: float) -> tuple[Any]:
        from ..diffusion.attention_patches import perturbed_attention

        return (perturbed_attention(model, scale),)


class FreeU:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "model_patches/unet"
    SEARCH_ALIASES = ["improve details", "skip connections"]
    DESCRIPTION = "Weighs what deep blocks see against what skip connections carry (Si et al. 2023)."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return _freeu_inputs(1.1, 1.2)

    def patch(self, model: Any, b1: float, b2: float, s1: float, s2: float) -> tuple[Any]:
        from ..diffusion.attention_patches import freeu

        return (freeu(model, (b1, b2), (s1, s2), adaptive=False),)


class FreeU_V2:  # noqa: N801 - the name that workflows use
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "model_patches/unet"
    SEARCH_ALIASES = ["improve details", "skip connections"]
    DESCRIPTION = "FreeU whose strength follows what is in the picture."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return _freeu_inputs(1.3, 1.4)

    def patch(self, model: Any, b1: float, b2: float, s1: float, s2: float) -> tuple[Any]:
        from ..diffusion.attention_patches import freeu

        return (freeu(model, (b1, b2), (s1, s2), adaptive=True),)


class TorchCompileModel:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "_for_testing"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["speed up", "inductor", "faster"]
    DESCRIPTION = (
        "Compiles the network on its first step, which takes minutes; the following ones are faster. On a CPU it needs "
        "a C++ compiler."
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        backend = inputs.combo(["inductor", "cudagraphs"], "What torch.compile makes.")
        return {"required": {"model": inputs.socket("MODEL"), "backend": backend}}

    def patch(self, model: Any, backend: str) -> tuple[Any]:
        from ..diffusion.compilation import compiled

        return (compiled(model, backend),)


NODES: dict[str, tuple[type, str | None]] = {
    "PerturbedAttentionGuidance": (PerturbedAttentionGuidance, None),
    "FreeU": (FreeU, "FreeU"),
    "FreeU_V2": (FreeU_V2, "FreeU_V2"),
    "TorchCompileModel": (TorchCompileModel, None),
}
