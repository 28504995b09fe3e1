"""Control networks: pictures that steer sampling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..diffusion.control.kinds import TYPES
from . import inputs, model_files

if TYPE_CHECKING:
    from torch import Tensor

Conditioning = list[list[Any]]


class ControlNetLoader:
    RETURN_TYPES = ("CONTROL_NET",)
    FUNCTION = "load_controlnet"
    CATEGORY = "loaders"
    DESCRIPTION = "A control network: it makes a model follow edges, depth, poses or other pictures."
    SEARCH_ALIASES = ["controlnet", "control net", "cn", "t2i adapter", "control lora"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"control_net_name": model_files.chooser("controlnet", "A file of models/controlnet.")}}

    def load_controlnet(self, control_net_name: str) -> tuple[Any]:
        from ..diffusion.control.files import load_controlnet

        return (load_controlnet(model_files.path("controlnet", control_net_name)),)

    @classmethod
    def IS_CHANGED(cls, control_net_name: str, **_others: Any) -> str:
        return model_files.stamp("controlnet", control_net_name)


class DiffControlNetLoader(ControlNetLoader):
    DESCRIPTION = "A control network whose file holds the differences from a model's weights."
    SEARCH_ALIASES = ["controlnet difference"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        model = inputs.socket("MODEL", "What the network was trained from.")
        return {"required": {"model": model, **ControlNetLoader.INPUT_TYPES()["required"]}}

    def load_controlnet(self, control_net_name: str, model: Any = None) -> tuple[Any]:
        from ..diffusion.control.files import load_controlnet

        return (load_controlnet(model_files.path("controlnet", control_net_name), model),)


class SetUnionControlNetType:
    RETURN_TYPES = ("CONTROL_NET",)
    FUNCTION = "set_controlnet_type"
    CATEGORY = "conditioning/controlnet"
    DESCRIPTION = "Tells a union control network what kind of picture it gets. Auto leaves that to the network."
    SEARCH_ALIASES = ["union controlnet", "promax", "control type"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        kinds = inputs.options(["auto", *TYPES], "What the picture shows.")
        return {"required": {"control_net": inputs.socket("CONTROL_NET"), "type": kinds}}

    def set_controlnet_type(self, control_net: Any, type: str) -> tuple[Any]:
        control = control_net.copy()
        control.set_extra_arg("control_type", [TYPES[type]] if type in TYPES else [])
        return (control,)


def _strength() -> inputs.Spec:
    return inputs.number(1.0, 0.0, 10.0, 0.01, "How strongly the picture steers.")


def _part() -> dict[str, inputs.Spec]:
    return {
        "start_percent": inputs.number(0.0, 0.0, 1.0, 0.001, "The part of sampling where it begins."),
        "end_percent": inputs.number(1.0, 0.0, 1.0, 0.001, "The part of sampling where it ends."),
    }


def _both() -> dict[str, inputs.Spec]:
    return {
        "positive": inputs.socket("CONDITIONING"),
        "negative": inputs.socket("CONDITIONING"),
        "control_net": inputs.socket("CONTROL_NET"),
    }


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
        hint = image[..., :3].movedim(-1, 1)
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
                **_both(),
                "image": inputs.image("Edges, depth, a pose: what the network was trained on."),
                "strength": _strength(),
                **_part(),
            },
            "optional": {"vae": inputs.socket("VAE", "For networks that see latents: of SD3, Flux, Qwen-Image.")},
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
        extra_concat: Sequence[Tensor] = (),
    ) -> tuple[Conditioning, Conditioning]:
        if strength == 0:
            return positive, negative
        hint = image[..., :3].movedim(-1, 1)
        copies: dict[int, Any] = {}

        def steered(conditioning: Conditioning) -> Conditioning:
            made = []
            for text, options in conditioning:
                before = options.get("control")
                if id(before) not in copies:
                    control = control_net.copy().set_cond_hint(
                        hint, strength, (start_percent, end_percent), vae=vae, extra_concat=list(extra_concat)
                    )
                    copies[id(before)] = control.set_previous_controlnet(before)
                made.append([text, {**options, "control": copies[id(before)], "control_apply_to_uncond": False}])
            return made

        return steered(positive), steered(negative)


class ControlNetApplySD3(ControlNetApplyAdvanced):
    DEPRECATED = True
    DESCRIPTION = "Apply ControlNet with a VAE that must be there."
    SEARCH_ALIASES = ["sd3 controlnet", "flux controlnet"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                **_both(),
                "vae": inputs.socket("VAE"),
                "image": inputs.image(),
                "strength": _strength(),
                **_part(),
            }
        }


class ControlNetInpaintingAliMamaApply(ControlNetApplyAdvanced):
    FUNCTION = "apply_inpaint_controlnet"
    DESCRIPTION = "Lets a control network made for inpainting fill the masked part of a picture."
    SEARCH_ALIASES = ["masked controlnet", "inpaint controlnet", "alimama"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                **_both(),
                "vae": inputs.socket("VAE"),
                "image": inputs.image("The picture with the part to fill."),
                "mask": inputs.mask("White where it is filled."),
                "strength": _strength(),
                **_part(),
            }
        }

    def apply_inpaint_controlnet(
        self,
        positive: Conditioning,
        negative: Conditioning,
        control_net: Any,
        vae: Any,
        image: Tensor,
        mask: Tensor,
        strength: float,
        start_percent: float,
        end_percent: float,
    ) -> tuple[Conditioning, Conditioning]:
        kept: list[Tensor] = []
        if control_net.concat_mask:
            from ..diffusion.control.hints import filling

            seen = 1.0 - mask.reshape(-1, 1, *mask.shape[-2:])
            shown = filling(seen, image.shape[1], image.shape[2], "bilinear").round()
            image = image[..., :3] * shown.movedim(1, -1)
            kept = [seen]
        return self.apply_controlnet(
            positive, negative, control_net, image, strength, start_percent, end_percent, vae, kept
        )


NODES: dict[str, tuple[type, str | None]] = {
    "ControlNetLoader": (ControlNetLoader, "Load ControlNet Model"),
    "DiffControlNetLoader": (DiffControlNetLoader, "Load ControlNet Model (diff)"),
    "SetUnionControlNetType": (SetUnionControlNetType, "SetUnionControlNetType"),
    "ControlNetApply": (ControlNetApply, "Apply ControlNet (OLD)"),
    "ControlNetApplyAdvanced": (ControlNetApplyAdvanced, "Apply ControlNet"),
    "ControlNetApplySD3": (ControlNetApplySD3, "Apply Controlnet with VAE"),
    "ControlNetInpaintingAliMamaApply": (ControlNetInpaintingAliMamaApply, "ControlNetInpaintingAliMamaApply"),
}
