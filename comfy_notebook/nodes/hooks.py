"""Changes of weights that hold for one conditioning only."""

from __future__ import annotations

from typing import Any

from . import inputs, model_files


def _strength(of: str) -> inputs.Spec:
    return inputs.number(1.0, -20.0, 20.0, 0.01, f"How much {of} is changed.")


class _Creating:
    RETURN_TYPES = ("HOOKS",)
    FUNCTION = "create_hook"
    CATEGORY = "advanced/hooks/create"
    EXPERIMENTAL = True


_BEFORE = {"prev_hooks": inputs.socket("HOOKS", "Hooks that hold too.")}


def _with_previous(hooks: Any, previous: Any) -> Any:
    return hooks if previous is None else previous.clone_and_combine(hooks)


class CreateHookLora(_Creating):
    SEARCH_ALIASES = ["lora for one prompt", "regional lora", "masked lora"]
    DESCRIPTION = "A LoRA for those conditionings that carry it; others in the same picture do without."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "lora_name": model_files.chooser("loras", "A file of models/loras."),
                "strength_model": _strength("the model"),
                "strength_clip": _strength("the text encoder"),
            },
            "optional": _BEFORE,
        }

    def create_hook(
        self, lora_name: str, strength_model: float, strength_clip: float, prev_hooks: Any = None
    ) -> tuple[Any]:
        from ..diffusion.checkpoints.files import WeightsError, read_weights
        from ..diffusion.hooks import create_hook_lora
        from ..diffusion.lora.files import layers_of

        path = model_files.path("loras", lora_name)
        weights = read_weights(path)[0]
        if not layers_of(weights)[0]:
            raise WeightsError(f"{path.name} is no LoRA: none of its {len(weights)} weights changes another")
        return (_with_previous(create_hook_lora(weights, strength_model, strength_clip, path.name), prev_hooks),)

    @classmethod
    def IS_CHANGED(cls, lora_name: str, **_others: Any) -> str:
        return model_files.stamp("loras", lora_name)


class CreateHookLoraModelOnly(CreateHookLora):
    FUNCTION = "create_hook_model_only"
    DESCRIPTION = "A LoRA for those conditionings that carry it, without its part for the text encoder."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return _without_clip(super().INPUT_TYPES())

    def create_hook_model_only(self, lora_name: str, strength_model: float, prev_hooks: Any = None) -> tuple[Any]:
        return self.create_hook(lora_name, strength_model, 0.0, prev_hooks)


class CreateHookModelAsLora(_Creating):
    SEARCH_ALIASES = ["checkpoint for one prompt", "switch model", "merge by mask"]
    DESCRIPTION = "Another checkpoint of the same family for those conditionings that carry it."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "ckpt_name": model_files.chooser("checkpoints", "A file of models/checkpoints."),
                "strength_model": _strength("the model"),
                "strength_clip": _strength("the text encoder"),
            },
            "optional": _BEFORE,
        }

    def create_hook(
        self, ckpt_name: str, strength_model: float, strength_clip: float, prev_hooks: Any = None
    ) -> tuple[Any]:
        from ..diffusion.checkpoints.load import load_checkpoint
        from ..diffusion.hooks import create_hook_model_as_lora

        path = model_files.path("checkpoints", ckpt_name)
        found = load_checkpoint(path, want_clip=strength_clip != 0, want_vae=False)
        model = found.model.model_state_dict() if found.model is not None else None
        clip = found.clip.patcher.model_state_dict() if found.clip is not None else None
        return (_with_previous(create_hook_model_as_lora(model, clip, strength_model, strength_clip), prev_hooks),)

    @classmethod
    def IS_CHANGED(cls, ckpt_name: str, **_others: Any) -> str:
        return model_files.stamp("checkpoints", ckpt_name)


class CreateHookModelAsLoraModelOnly(CreateHookModelAsLora):
    FUNCTION = "create_hook_model_only"
    DESCRIPTION = "Another checkpoint's diffusion model for those conditionings that carry it."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return _without_clip(super().INPUT_TYPES())

    def create_hook_model_only(self, ckpt_name: str, strength_model: float, prev_hooks: Any = None) -> tuple[Any]:
        return self.create_hook(ckpt_name, strength_model, 0.0, prev_hooks)


def _without_clip(declared: dict[str, Any]) -> dict[str, Any]:
    required = {name: spec for name, spec in declared["required"].items() if name != "strength_clip"}
    return {**declared, "required": required}


def _combining(count: int) -> type:
    names = [f"hooks_{letter}" for letter in "ABCDEFGH"[:count]]

    def input_types(cls: type) -> dict[str, Any]:
        return {"optional": {name: inputs.socket("HOOKS") for name in names}}

    def combine(self: Any, **given: Any) -> tuple[Any]:
        from ..diffusion.hooks import HookGroup

        return (HookGroup.combine_all_hooks([given.get(name) for name in names]),)

    return type(
        f"CombineHooks{count}",
        (),
        {
            "INPUT_TYPES": classmethod(input_types),
            "RETURN_TYPES": ("HOOKS",),
            "FUNCTION": "combine_hooks",
            "CATEGORY": "advanced/hooks/combine",
            "EXPERIMENTAL": True,
            "DESCRIPTION": "Hooks that hold together.",
            "SEARCH_ALIASES": ["several loras", "hook group"],
            "combine_hooks": combine,
            "__module__": __name__,
        },
    )


class SetClipHooks:
    RETURN_TYPES = ("CLIP",)
    FUNCTION = "apply_hooks"
    CATEGORY = "advanced/hooks/clip"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["lora for one prompt", "schedule clip"]
    DESCRIPTION = "Encodes prompts under hooks, and lets the conditionings carry them."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "clip": inputs.socket("CLIP"),
                "apply_to_conds": inputs.boolean(True, "Let the conditionings carry the hooks to the model."),
                "schedule_clip": inputs.boolean(False, "Encode anew for each keyframe of the hooks."),
            },
            "optional": {"hooks": inputs.socket("HOOKS")},
        }

    def apply_hooks(self, clip: Any, apply_to_conds: bool, schedule_clip: bool, hooks: Any = None) -> tuple[Any]:
        if hooks is None:
            return (clip,)
        made = clip.clone()
        made.patcher.forced_hooks = hooks.clone()
        made.apply_hooks_to_conds = made.patcher.forced_hooks if apply_to_conds else None
        made.use_clip_schedule = schedule_clip
        return (made,)


NODES: dict[str, tuple[type, str | None]] = {
    "CreateHookLora": (CreateHookLora, "Create Hook LoRA"),
    "CreateHookLoraModelOnly": (CreateHookLoraModelOnly, "Create Hook LoRA (MO)"),
    "CreateHookModelAsLora": (CreateHookModelAsLora, "Create Hook Model as LoRA"),
    "CreateHookModelAsLoraModelOnly": (CreateHookModelAsLoraModelOnly, "Create Hook Model as LoRA (MO)"),
    "CombineHooks2": (_combining(2), "Combine Hooks [2]"),
    "CombineHooks4": (_combining(4), "Combine Hooks [4]"),
    "CombineHooks8": (_combining(8), "Combine Hooks [8]"),
    "SetClipHooks": (SetClipHooks, "Set CLIP Hooks"),
}
