"""``comfy.cldm.control_types``: the kinds of pictures that union networks tell apart."""

from __future__ import annotations

from ...diffusion.control.kinds import TYPES as UNION_CONTROLNET_TYPES

__all__ = ["UNION_CONTROLNET_TYPES"]
