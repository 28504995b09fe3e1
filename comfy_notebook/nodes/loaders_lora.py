"""LoRAs: small files that change a model and its text encoder."""

from __future__ import annotations

from typing import Any

from . import inputs, model_files


def _strength(of: str) -> inputs.Spec:
    return inputs.number(
        1.0, -100.0, 100.0, 0.01, f"How much {of} is changed; negative values change it the other way."
    )


class LoraLoader:
    RETURN_TYPES: tuple[str, ...] = ("MODEL", "CLIP")
    FUNCTION = "load_lora"
    CATEGORY = "loaders"
    DESCRIPTION = "Changes a model and its text encoder by a LoRA. Several may follow one another."
    SEARCH_ALIASES = ["lora", "lycoris", "style", "adapter"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL"),
                "clip": inputs.socket("CLIP"),
                "lora_name": model_files.chooser("loras", "A file of models/loras."),
                "strength_model": _strength("the model"),
                "strength_clip": _strength("the text encoder"),
            }
        }

    def load_lora(
        self, model: Any, clip: Any, lora_name: str, strength_model: float, strength_clip: float
    ) -> tuple[Any, Any]:
        from ..diffusion.checkpoints.files import read_weights
        from ..diffusion.lora.files import load_lora_for_models

        if strength_model == 0 and strength_clip == 0:
            return model, clip
        path = model_files.path("loras", lora_name)
        return load_lora_for_models(model, clip, read_weights(path)[0], strength_model, strength_clip, path.name)

    @classmethod
    def IS_CHANGED(cls, lora_name: str, **_others: Any) -> str:
        return model_files.stamp("loras", lora_name)


class LoraLoaderModelOnly(LoraLoader):
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "load_lora_model_only"
    DESCRIPTION = "Changes a model by a LoRA and leaves the text encoder alone."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        inherited = super().INPUT_TYPES()["required"]
        return {"required": {name: inherited[name] for name in ("model", "lora_name", "strength_model")}}

    def load_lora_model_only(self, model: Any, lora_name: str, strength_model: float) -> tuple[Any]:
        return (self.load_lora(model, None, lora_name, strength_model, 0)[0],)


NODES: dict[str, tuple[type, str | None]] = {
    "LoraLoader": (LoraLoader, "Load LoRA"),
    "LoraLoaderModelOnly": (LoraLoaderModelOnly, "LoraLoaderModelOnly"),
}
