"""Puts the weights that hooks ask for into a network, and takes them out again, in the middle of sampling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from .lora.apply import calculate_weight
from .patch_state import state_of

if TYPE_CHECKING:
    from torch import Tensor

    from .hooks import WeightHook
    from .patcher import ModelPatcher

#: Which hooks, how strong.
Key = tuple[tuple[Any, float], ...]
#: As many sets of changed weights are kept for when they are wanted again; each is as large as what it changes.
_KEPT = 2


class HookedWeights:
    """The hooks on one network while one clone samples. What was there before comes back bit for bit."""

    def __init__(self, patcher: ModelPatcher, clip: bool = False) -> None:
        self.patcher, self.clip = patcher, clip
        self.applied: Key = ()
        self._before: list[tuple[Any, Tensor]] = []
        self._patches: dict[Any, dict[Any, Any]] = {}
        self._changed: dict[Key, list[tuple[Any, Tensor]]] = {}

    def apply(self, hooks: list[tuple[WeightHook, float]]) -> None:
        """Let the network have these hooks, at these strengths, and no others."""
        key = tuple((hook.hook_ref, strength) for hook, strength in hooks)
        if key == self.applied:
            return
        state = state_of(self.patcher.model)
        device, room = state.streamed_to, state.room
        state.end_stream()
        self._restore()
        if key:
            known = self._changed.pop(key, None)
            while len(self._changed) >= _KEPT:
                self._changed.pop(next(iter(self._changed)))
            self._changed[key] = self._calculated(hooks) if known is None else known
            for parameter, data in self._changed[key]:
                self._before.append((parameter, parameter.data))
                parameter.data = data
        self.applied = key
        if device is not None:
            state.stream(self.patcher.model, device, room)

    def end(self) -> None:
        """The network without hooks again; what was calculated is forgotten."""
        self.apply([])
        self._changed.clear()
        self._patches.clear()

    def _restore(self) -> None:
        while self._before:
            parameter, data = self._before.pop()
            parameter.data = data

    def _calculated(self, hooks: list[tuple[WeightHook, float]]) -> list[tuple[Any, Tensor]]:
        """(parameter, its tensor under the hooks) for all that change."""
        by_name: dict[str, list[Any]] = {}
        for hook, strength in hooks:
            for target, patch in self._patches_of(hook).items():
                name, offset = (target, None) if isinstance(target, str) else (target[0], target[1])
                by_name.setdefault(name, []).append((strength, patch, 1.0, offset, None))
        names, stored = self.patcher.weights, getattr(self.patcher.model, "storage_dtype", None)
        made: dict[int, tuple[Any, Tensor]] = {}
        with torch.no_grad():
            for name, changes in by_name.items():
                before = names.get(name)
                changed = calculate_weight(changes, before.to(self.patcher.load_device, torch.float32, copy=True), name)
                if stored is not None:
                    changed = changed.to(stored)
                for parameter, piece, part in names.cut(name, changed):
                    cast = part.to(parameter.device, parameter.dtype)
                    if piece.into is None:
                        made[id(parameter)] = (parameter, cast.reshape(parameter.shape).contiguous())
                    else:
                        whole = made.setdefault(id(parameter), (parameter, parameter.data.clone()))[1]
                        whole.narrow(0, *piece.into).copy_(cast)
        return list(made.values())

    def _patches_of(self, hook: WeightHook) -> dict[Any, Any]:
        if hook.hook_ref not in self._patches:
            make = hook.clip_patches if self.clip else hook.model_patches
            known = self.patcher.weights
            self._patches[hook.hook_ref] = {
                target: patch
                for target, patch in make(self.patcher).items()
                if (target if isinstance(target, str) else target[0]) in known
            }
        return self._patches[hook.hook_ref]
