"""How the strength of hooks goes over the steps."""

from __future__ import annotations

import logging
from typing import Any

from . import inputs

_log = logging.getLogger("comfy_notebook")


def _percent(default: float, tooltip: str) -> inputs.Spec:
    return inputs.number(default, 0.0, 1.0, 0.001, tooltip)


class _Scheduling:
    RETURN_TYPES = ("HOOK_KEYFRAMES",)
    RETURN_NAMES = ("HOOK_KF",)
    FUNCTION = "create_hook_keyframe"
    CATEGORY = "advanced/hooks/scheduling"
    EXPERIMENTAL = True


_FRAMES_BEFORE = {"prev_hook_kf": inputs.socket("HOOK_KEYFRAMES", "Keyframes that hold too.")}


def _frames(strengths: list[float], starts: list[float], previous: Any) -> Any:
    from ..diffusion.hooks import HookKeyframe, HookKeyframeGroup

    made = HookKeyframeGroup() if previous is None else previous.clone()
    for strength, start in zip(strengths, starts, strict=True):
        made.add(HookKeyframe(strength, start))
    return made


def _spread(start: float, end: float, count: int) -> list[float]:
    return [start + (end - start) * index / max(count - 1, 1) for index in range(count)]


def _told(frames: Any, wanted: bool) -> Any:
    if wanted:
        for frame in frames.keyframes:
            _log.info("From %.3f on: strength %.3f", frame.start_percent, frame.strength)
    return frames


class CreateHookKeyframe(_Scheduling):
    SEARCH_ALIASES = ["lora strength over time", "schedule"]
    DESCRIPTION = "From a point of sampling on the hooks' strength is multiplied by this."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "strength_mult": inputs.number(1.0, -20.0, 20.0, 0.01, "Factor of the strength."),
                "start_percent": _percent(0.0, "From when on, 0 to 1."),
            },
            "optional": _FRAMES_BEFORE,
        }

    def create_hook_keyframe(self, strength_mult: float, start_percent: float, prev_hook_kf: Any = None) -> tuple[Any]:
        return (_frames([strength_mult], [start_percent], prev_hook_kf),)


class CreateHookKeyframesInterpolated(_Scheduling):
    FUNCTION = "create_hook_keyframes"
    SEARCH_ALIASES = ["lora strength over time", "fade", "ease"]
    DESCRIPTION = "Keyframes whose strength goes from one value to another."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "strength_start": inputs.number(1.0, 0.0, 10.0, 0.001, "Strength of the first."),
                "strength_end": inputs.number(1.0, 0.0, 10.0, 0.001, "Strength of the last."),
                "interpolation": inputs.options(["linear", "ease_in", "ease_out", "ease_in_out"], "How it goes there."),
                "start_percent": _percent(0.0, "When the first begins, 0 to 1."),
                "end_percent": _percent(1.0, "When the last begins."),
                "keyframes_count": inputs.integer(5, 2, 100, 1, "How many."),
                "print_keyframes": inputs.boolean(False, "Write them into the log."),
            },
            "optional": _FRAMES_BEFORE,
        }

    def create_hook_keyframes(
        self,
        strength_start: float,
        strength_end: float,
        interpolation: str,
        start_percent: float,
        end_percent: float,
        keyframes_count: int,
        print_keyframes: bool = False,
        prev_hook_kf: Any = None,
    ) -> tuple[Any]:
        from ..diffusion.hooks import interpolated

        strengths = interpolated(strength_start, strength_end, keyframes_count, interpolation)
        frames = _frames(strengths, _spread(start_percent, end_percent, keyframes_count), prev_hook_kf)
        return (_told(frames, print_keyframes),)


class CreateHookKeyframesFromFloats(_Scheduling):
    FUNCTION = "create_hook_keyframes"
    SEARCH_ALIASES = ["lora strength over time", "list of strengths"]
    DESCRIPTION = "Keyframes with these strengths, evenly over a part of sampling."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        floats = {"default": -1, "min": -1, "step": 0.001, "forceInput": True, "tooltip": "The strengths, a list."}
        return {
            "required": {
                "floats_strength": ("FLOATS", floats),
                "start_percent": _percent(0.0, "When the first begins, 0 to 1."),
                "end_percent": _percent(1.0, "When the last begins."),
                "print_keyframes": inputs.boolean(False, "Write them into the log."),
            },
            "optional": _FRAMES_BEFORE,
        }

    def create_hook_keyframes(
        self,
        floats_strength: Any,
        start_percent: float,
        end_percent: float,
        print_keyframes: bool = False,
        prev_hook_kf: Any = None,
    ) -> tuple[Any]:
        strengths = [float(floats_strength)] if isinstance(floats_strength, (int, float)) else list(floats_strength)
        frames = _frames(strengths, _spread(start_percent, end_percent, len(strengths)), prev_hook_kf)
        return (_told(frames, print_keyframes),)


class SetHookKeyframes:
    RETURN_TYPES = ("HOOKS",)
    FUNCTION = "set_hook_keyframes"
    CATEGORY = "advanced/hooks/scheduling"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["lora strength over time", "schedule"]
    DESCRIPTION = "Lets keyframes rule the strength of hooks."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"hooks": inputs.socket("HOOKS")},
            "optional": {"hook_kf": inputs.socket("HOOK_KEYFRAMES", "Without: strengths stay as they are.")},
        }

    def set_hook_keyframes(self, hooks: Any, hook_kf: Any = None) -> tuple[Any]:
        if hook_kf is None:
            return (hooks,)
        made = hooks.clone()
        made.set_keyframes_on_hooks(hook_kf)
        return (made,)


NODES: dict[str, tuple[type, str | None]] = {
    "CreateHookKeyframe": (CreateHookKeyframe, "Create Hook Keyframe"),
    "CreateHookKeyframesInterpolated": (CreateHookKeyframesInterpolated, "Create Hook Keyframes Interp."),
    "CreateHookKeyframesFromFloats": (CreateHookKeyframesFromFloats, "Create Hook Keyframes From Floats"),
    "SetHookKeyframes": (SetHookKeyframes, "Set Hook Keyframes"),
}
