"""Control networks: pictures that steer sampling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import inputs, model_files
from .loaders import checked

if TYPE_CHECKING:
    from torch import Tensor

Conditioning = list[list[Any]]


class ControlNetLoader:
    RETURN_TYPES = ("CONTROL_NET",)
    FUNCTION = "load_controlnet"
    CATEGORY = "loaders"
    DESCRIPTION = "A control network: it makes a model follow edges, depth, poses or other pictures."
    SEARCH_ALIASES = ["controlnet", "control net"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"control_net_name": model_files.chooser("controlnet", "A file of models/controlnet.")}}

    def load_controlnet(self, control_net_name: str) -> tuple[Any]:
        from ..diffusion.control.files import load_controlnet

        return (load_controlnet(model_files.path("controlnet", control_net_name)),)

    @classmethod
    def IS_CHANGED(cls, control_net_name: str) -> str:
        return model_files.stamp("controlnet", control_net_name)

    @classmethod
    def VALIDATE_INPUTS(cls, control_net_name: Any) -> bool | str:
        return checked("controlnet", control_net_name)


def _strength() -> inputs.Spec:
    return inputs.number(1.0, 0.0, 10.0, 0.01, "How strongly the picture steers.")


class ControlNetApply:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "apply_controlnet"
    CATEGORY = "conditioning/controlnet"
    DEPRECATED = True
    SEARCH_ALIASES = ["control image", "pose", "depth", "canny"]
    DESCRIPTION = (
        "Lets a picture steer one conditioning. Apply ControlNet does it for both, and for a part of sampling."
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "conditioning": inputs.socket("CONDITIONING"),
                "control_net": inputs.socket("CONTROL_NET"),
                "image": inputs.image(),
                "strength": _strength(),
            }
        }

    def apply_controlnet(
        self, conditioning: Conditioning, control_net: Any, image: Tensor, strength: float
    ) -> tuple[Conditioning]:
        if strength == 0:
            return (conditioning,)
        hint = image.movedim(-1, 1)
        made = []
        for text, options in conditioning:
            control = control_net.copy().set_cond_hint(hint, strength)
            control.set_previous_controlnet(options.get("control"))
            made.append([text, {**options, "control": control, "control_apply_to_uncond": True}])
        return (made,)


class ControlNetApplyAdvanced:
    RETURN_TYPES = ("CONDITIONING", "CONDITIONING")
    RETURN_NAMES = ("positive", "negative")
    FUNCTION = "apply_controlnet"
    CATEGORY = "conditioning/controlnet"
    DESCRIPTION = "Lets a picture steer sampling, from a part of it to another."
    SEARCH_ALIASES = ["controlnet", "apply controlnet", "use controlnet"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "positive": inputs.socket("CONDITIONING"),
                "negative": inputs.socket("CONDITIONING"),
                "control_net": inputs.socket("CONTROL_NET"),
                "image": inputs.image("Edges, depth, a pose: what the network was trained on."),
                "strength": _strength(),
                "start_percent": inputs.number(0.0, 0.0, 1.0, 0.001, "The part of sampling where it begins."),
                "end_percent": inputs.number(1.0, 0.0, 1.0, 0.001, "The part of sampling where it ends."),
            },
            "optional": {"vae": inputs.socket("VAE", "For networks that see latents.")},
        }

    def apply_controlnet(
        self,
        positive: Conditioning,
        negative: Conditioning,
        control_net: Any,
        image: Tensor,
        strength: float,
        start_percent: float,
        end_percent: float,
        vae: Any = None,
    ) -> tuple[Conditioning, Conditioning]:
        if strength == 0:
            return positive, negative
        hint = image.movedim(-1, 1)
        copies: dict[int, Any] = {}

        def steered(conditioning: Conditioning) -> Conditioning:
            made = []
            for text, options in conditioning:
                before = options.get("control")
                if id(before) not in copies:
                    control = control_net.copy().set_cond_hint(hint, strength, (start_percent, end_percent), vae=vae)
                    copies[id(before)] = control.set_previous_controlnet(before)
                made.append([text, {**options, "control": copies[id(before)], "control_apply_to_uncond": False}])
            return made

        return steered(positive), steered(negative)


NODES: dict[str, tuple[type, str | None]] = {
    "ControlNetLoader": (ControlNetLoader, "Load ControlNet Model"),
    "ControlNetApply": (ControlNetApply, "Apply ControlNet (OLD)"),
    "ControlNetApplyAdvanced": (ControlNetApplyAdvanced, "Apply ControlNet"),
}
