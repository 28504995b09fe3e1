"""HOOKS in a graph: changes of weights that hold for one conditioning only, with a strength that sampling may change.

Custom nodes import this module as ``comfy.hooks``.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .patcher import ModelPatcher

#: Patches by (weight, or (weight, part)), as :meth:`.patcher.ModelPatcher.add_patches` takes them.
Patches = dict[Any, Any]


class EnumHookType(enum.Enum):
    """What a hook changes."""

    Weight = "weight"
    ObjectPatch = "object_patch"
    AdditionalModels = "add_models"
    TransformerOptions = "transformer_options"
    Injections = "add_injections"


class EnumHookScope(enum.Enum):
    """Whether a hook holds for all of a run or for conditionings that carry it."""

    AllConditioning = "all_conditioning"
    HookedOnly = "hooked_only"


class HookKeyframe:
    """From ``start_percent`` (0 to 1) of sampling on the strength of a hook is multiplied by ``strength``."""

    def __init__(self, strength: float, start_percent: float = 0.0, guarantee_steps: int = 1) -> None:
        self.strength, self.start_percent, self.guarantee_steps = strength, float(start_percent), guarantee_steps

    def clone(self) -> HookKeyframe:
        return HookKeyframe(self.strength, self.start_percent, self.guarantee_steps)


class HookKeyframeGroup:
    """Keyframes in the order in which they are reached; the first holds from the beginning."""

    def __init__(self) -> None:
        self.keyframes: list[HookKeyframe] = []

    def add(self, keyframe: HookKeyframe) -> None:
        self.keyframes.append(keyframe)
        self.keyframes.sort(key=lambda one: one.start_percent)

    def is_empty(self) -> bool:
        return not self.keyframes

    def clone(self) -> HookKeyframeGroup:
        made = HookKeyframeGroup()
        made.keyframes = list(self.keyframes)
        return made

    def strength_when(self, reached: Callable[[float], bool]) -> float:
        """The strength of the last keyframe whose start is ``reached``; 1 where there are no keyframes."""
        if not self.keyframes:
            return 1.0
        passed = [one for one in self.keyframes if reached(one.start_percent)]
        return (passed or self.keyframes)[-1 if passed else 0].strength


class Hook:
    """A change that a conditioning may carry. Clones are the same change with keyframes of their own."""

    def __init__(
        self, hook_type: EnumHookType | None = None, hook_scope: EnumHookScope = EnumHookScope.AllConditioning
    ) -> None:
        self.hook_type, self.hook_scope = hook_type, hook_scope
        self.hook_ref: Any = uuid.uuid4()
        self.hook_keyframe = HookKeyframeGroup()

    def clone(self) -> Hook:
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.hook_keyframe = self.hook_keyframe.clone()
        return made


class WeightHook(Hook):
    """Patches of weights: ``model_patches`` and ``clip_patches`` make them for a network, each with its strength."""

    def __init__(
        self,
        strength_model: float,
        strength_clip: float,
        model_patches: Callable[[ModelPatcher], Patches],
        clip_patches: Callable[[ModelPatcher], Patches],
    ) -> None:
        super().__init__(EnumHookType.Weight, EnumHookScope.HookedOnly)
        self.strength_model, self.strength_clip = strength_model, strength_clip
        self.model_patches, self.clip_patches = model_patches, clip_patches

    @property
    def strength(self) -> float:
        return self.strength_model


class HookGroup:
    """Hooks that hold together."""

    def __init__(self) -> None:
        self.hooks: list[Any] = []

    def __len__(self) -> int:
        return len(self.hooks)

    def add(self, hook: Any) -> None:
        """Add a hook that is not in the group yet."""
        if not any(hook is other for other in self.hooks):
            self.hooks.append(hook)

    def contains(self, hook: Any) -> bool:
        return any(hook is other for other in self.hooks)

    def clone(self) -> HookGroup:
        made = HookGroup()
        made.hooks = [hook.clone() for hook in self.hooks]
        return made

    def get_type(self, hook_type: EnumHookType) -> list[Any]:
        return [hook for hook in self.hooks if hook.hook_type == hook_type]

    def set_keyframes_on_hooks(self, hook_kf: HookKeyframeGroup | None) -> None:
        """Let ``hook_kf`` (None: nothing) schedule the hooks of this group."""
        for hook in self.hooks:
            hook.hook_keyframe = HookKeyframeGroup() if hook_kf is None else hook_kf.clone()

    def clone_and_combine(self, other: HookGroup | None) -> HookGroup:
        """This group and another; a change that both have comes once."""
        made = HookGroup()
        made.hooks = list(self.hooks)
        for hook in other.hooks if other is not None else ():
            if not any(hook.hook_ref == known.hook_ref for known in made.hooks):
                made.hooks.append(hook)
        return made

    @staticmethod
    def combine_all_hooks(hooks_list: Iterable[HookGroup | None], require_count: int = 0) -> HookGroup | None:
        """All hooks of these groups; None where fewer than ``require_count`` groups (and where none) are given."""
        given = [group for group in hooks_list if group is not None]
        if not given or len(given) < require_count:
            return None
        made = HookGroup()
        for group in given:
            made = made.clone_and_combine(group)
        return made

    # --- strengths ---

    def strengths(self, reached: Callable[[float], bool], clip: bool = False) -> list[tuple[WeightHook, float]]:
        """The hooks that change weights, and how much at a point of sampling; those without effect are left out."""
        found = []
        for hook in self.get_type(EnumHookType.Weight):
            own = hook.strength_clip if clip else hook.strength_model
            strength = own * hook.hook_keyframe.strength_when(reached)
            if strength != 0.0:
                found.append((hook, strength))
        return found

    def turns(self) -> list[float]:
        """The percentages at which a strength may change, from 0 on."""
        starts = {frame.start_percent for hook in self.hooks for frame in hook.hook_keyframe.keyframes}
        return [0.0, *sorted(start for start in starts if 0.0 < start < 1.0)]


# --- making hooks ---


def create_hook_lora(lora: Any, strength_model: float, strength_clip: float, file: str = "this file") -> HookGroup:
    """A LoRA as a hook; ``lora`` are its file's weights."""
    from .lora.files import fitting_patches
    from .lora.names import model_names, text_names

    def for_model(patcher: ModelPatcher) -> Patches:
        return fitting_patches(lora, model_names(patcher.model), patcher, file)

    def for_clip(patcher: ModelPatcher) -> Patches:
        return fitting_patches(lora, text_names(patcher.model), patcher, file)

    return _alone(WeightHook(strength_model, strength_clip, for_model, for_clip))


def create_hook_model_as_lora(
    weights_model: Any, weights_clip: Any, strength_model: float, strength_clip: float
) -> HookGroup:
    """The way from a model to another as a hook: at strength 1 the network has the weights given here, by name."""

    def towards(weights: Any) -> Callable[[ModelPatcher], Patches]:
        def patches(patcher: ModelPatcher) -> Patches:
            own = patcher.original_weights(weights or ())
            return {
                name: ("diff", (weights[name].to(value.dtype) - value.to(weights[name].device),))
                for name, value in own.items()
                if tuple(value.shape) == tuple(weights[name].shape)
            }

        return patches

    return _alone(WeightHook(strength_model, strength_clip, towards(weights_model), towards(weights_clip)))


def _alone(hook: WeightHook) -> HookGroup:
    made = HookGroup()
    made.add(hook)
    return made


# --- conditionings that carry hooks ---


def set_hooks_for_conditioning(cond: Sequence[Any], hooks: HookGroup | None, append_hooks: bool = True) -> list[Any]:
    """CONDITIONING whose entries carry ``hooks``, beside those they have."""
    if hooks is None:
        return list(cond)
    made = []
    for tensor, known, *rest in cond:
        before = known.get("hooks") if append_hooks else None
        made.append([tensor, {**known, "hooks": hooks if before is None else before.clone_and_combine(hooks)}, *rest])
    return made


def set_default_conds_and_combine(cond: Sequence[Any], default: Sequence[Any], hooks: HookGroup | None) -> list[Any]:
    """``cond`` and, where no other entry holds, ``default``."""
    marked = [[tensor, {**known, "default": True}, *rest] for tensor, known, *rest in default]
    return [*cond, *set_hooks_for_conditioning(marked, hooks)]


def interpolated(start: float, end: float, count: int, interpolation: str) -> list[float]:
    """``count`` strengths from ``start`` to ``end``: ``linear``, ``ease_in``, ``ease_out`` or ``ease_in_out``."""
    easings: dict[str, Callable[[float], float]] = {
        "linear": lambda t: t,
        "ease_in": lambda t: t * t,
        "ease_out": lambda t: 1.0 - (1.0 - t) ** 2,
        "ease_in_out": lambda t: t * t * (3.0 - 2.0 * t),
    }
    ease = easings[interpolation]
    return [start + (end - start) * ease(index / max(count - 1, 1)) for index in range(count)]
