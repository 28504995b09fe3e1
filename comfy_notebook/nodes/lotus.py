"""Lotus: depth and normals of a picture in one step."""

from __future__ import annotations

from typing import Any


class LotusConditioning:
    RETURN_TYPES = ("CONDITIONING",)
    RETURN_NAMES = ("conditioning",)
    FUNCTION = "encode"
    CATEGORY = "conditioning/lotus"
    SEARCH_ALIASES = ["depth", "normal map", "lotus"]
    DESCRIPTION = (
        "The conditioning of Lotus, which makes depth or normals of an image in one step: an empty prompt as the text "
        "encoder of Stable Diffusion 2 reads it. That encoder must lie among the text encoders or checkpoints."
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {}}

    def encode(self) -> tuple[list[list[Any]]]:
        from ..diffusion.text.empty_prompt import empty_prompt

        return ([[empty_prompt(), {}]],)


NODES: dict[str, tuple[type, str | None]] = {"LotusConditioning": (LotusConditioning, None)}
