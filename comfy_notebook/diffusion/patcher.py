"""A model with changes on it: ``MODEL`` in a graph, and what is inside ``CLIP``, ``VAE`` and ``CONTROL_NET``.

Clones share the network; each has its own patches of weights, replaced objects and options. Weights change only when a
model is loaded (:func:`.memory.load_models_gpu`) and go back bit for bit when another clone is.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from . import memory
from .lora.apply import calculate_weight
from .patch_options import OptionSetters, copy_options
from .patch_state import replace_object, state_of
from .weights import NamedWeights, weights_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor

#: (strength, patch, strength of the weight itself, (dimension, first, count) or None, function or None)
Patch = tuple[float, Any, float, Any, Any]


class ModelPatcher(OptionSetters):
    """``model`` is a module; ``model_options`` what samplers read; ``patches`` name → list of changes to a weight."""

    def __init__(
        self,
        model: Any,
        load_device: torch.device | None = None,
        offload_device: torch.device | None = None,
        size: int = 0,
        weight_inplace_update: bool = False,
    ) -> None:
        self.model = model
        self.load_device = load_device if load_device is not None else memory.get_torch_device()
        self.offload_device = offload_device if offload_device is not None else memory.offload_device()
        self.size = size
        self.weight_inplace_update = weight_inplace_update
        self.patches: dict[str, list[Patch]] = {}
        self.object_patches: dict[str, Any] = {}
        self.model_options: dict[str, Any] = {"transformer_options": {}}
        self.attachments: dict[str, Any] = {}
        self.additional_models: dict[str, list[Any]] = {}
        self.callbacks: dict[str, dict[Any, list[Any]]] = {}
        self.patches_uuid = uuid.uuid4()
        self.parent: ModelPatcher | None = None
        #: What hooks of conditionings change, while this clone samples.
        self.hooked_weights: Any = None
        #: HOOKS that hold for all that this clone encodes.
        self.forced_hooks: Any = None

    # --- clones ---

    def clone(self) -> ModelPatcher:
        """A patcher of the same network that can be changed without this one noticing."""
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.patches = {name: list(patches) for name, patches in self.patches.items()}
        made.object_patches = dict(self.object_patches)
        made.model_options = copy_options(self.model_options)
        made.attachments = dict(self.attachments)
        made.additional_models = {key: list(models) for key, models in self.additional_models.items()}
        made.callbacks = copy_options(self.callbacks)
        made.parent = self
        made.hooked_weights = None
        return made

    def is_clone(self, other: Any) -> bool:
        return getattr(other, "model", None) is self.model

    def clone_has_same_weights(self, clone: Any) -> bool:
        return self.is_clone(clone) and clone.patches_uuid == self.patches_uuid

    # --- changes ---

    @property
    def weights(self) -> NamedWeights:
        """The weights by the names that patches use."""
        return weights_of(self.model)

    def add_patches(
        self, patches: Mapping[Any, Any], strength_patch: float = 1.0, strength_model: float = 1.0
    ) -> list[Any]:
        """Change weights: name, or (name, (dimension, first, count)), → patch. Answers the names this model has."""
        known = self.weights
        used = []
        for key, patch in patches.items():
            name, offset, function = _spelled(key)
            if name in known:
                used.append(key)
                self.patches.setdefault(name, []).append((strength_patch, patch, strength_model, offset, function))
        self.patches_uuid = uuid.uuid4()
        return used

    def add_object_patch(self, name: str, obj: Any) -> None:
        """Let ``model.<name>`` be ``obj`` while this clone is loaded (``model_sampling``, say)."""
        self.object_patches[name] = obj

    def get_model_object(self, name: str) -> Any:
        """``model.<name>`` as this clone has it."""
        if name in self.object_patches:
            return self.object_patches[name]
        applied = state_of(self.model).objects
        if name in applied:
            return applied[name]
        found = self.model
        for part in name.split("."):
            found = getattr(found, part)
        return found

    def get_key_patches(self, filter_prefix: str | None = None) -> dict[str, list[Any]]:
        """Name → [(the weight itself, function), changes …]: a patch that stands for this model's weight in another."""
        state = state_of(self.model)
        found: dict[str, list[Any]] = {}
        for name in self.weights:
            if filter_prefix is None or name.startswith(filter_prefix):
                weight = state.originals[name] if name in state.originals else self.weights.get(name)
                found[name] = [(weight, _unchanged), *self.patches.get(name, [])]
        return found

    def original_weights(self, names: Iterable[str]) -> dict[str, Tensor]:
        """Those of these weights that the model has, as they are without patches."""
        state, known = state_of(self.model), self.weights
        return {name: state.originals.get(name, known.get(name)) for name in names if name in known}

    def model_state_dict(self, filter_prefix: str | None = None) -> dict[str, Tensor]:
        """The weights as they are at present, by name."""
        names = self.weights
        return {name: names.get(name) for name in names if filter_prefix is None or name.startswith(filter_prefix)}

    def patched_state_dict(self, filter_prefix: str = "") -> dict[str, Tensor]:
        """The weights with this clone's changes, in the dtype they are stored in."""
        entries = self.get_key_patches(filter_prefix)
        stored = getattr(self.model, "storage_dtype", None)
        found = {}
        for name, (original, *changes) in entries.items():
            value = original[0]
            if changes:
                value = calculate_weight(changes, value.detach().float().clone(), name).to(value.dtype)
            found[name] = value.to(stored) if stored is not None and value.is_floating_point() else value
        return found

    # --- loading ---

    def model_size(self) -> int:
        """Bytes of the weights."""
        if not self.size:
            self.size = memory.module_size(self.model)
        return self.size

    def loaded_size(self) -> int:
        """Bytes of the weights that are on :attr:`load_device`."""
        state = state_of(self.model)
        if state.device == self.load_device:
            return self.model_size()
        return state.resident if state.streamed_to == self.load_device else 0

    def memory_required(self, input_shape: Any) -> float:
        """Bytes that one call of the network takes beside its weights."""
        return float(self.model.memory_required(input_shape))

    def model_dtype(self) -> Any:
        get = getattr(self.model, "get_dtype", None)
        return get() if get is not None else None

    @property
    def current_device(self) -> torch.device:
        return state_of(self.model).device or self.offload_device

    def current_loaded_device(self) -> torch.device:
        return self.current_device

    def load(self, room: float | None = None) -> None:
        """Put the model on its device with this clone's patches on. ``room``: bytes there are, None for enough.

        A model larger than the room computes there block by block and waits in main memory; one that can't, as text
        encoders, computes in main memory.
        """
        state = state_of(self.model)
        if state.patches != self.patches_uuid:
            self.unpatch_weights()
            self._patch_weights()
        self._patch_objects()
        missing = self.model_size() - self.loaded_size()
        lacking = room is not None and missing > max(room, 0)
        streams = memory.has_own_memory(self.load_device) and getattr(self.model, "streams", True)
        if streams and (lacking or memory.policy.lowvram):
            state.stream(self.model, self.load_device, 0 if memory.policy.lowvram else room or 0)
        elif lacking and not streams:
            state.move(self.model, memory.cpu())
        elif state.device != self.load_device:
            state.move(self.model, self.load_device)
        self._bring_along()

    def _bring_along(self) -> None:
        """Put on the device what moves with no weights: noise levels, which clones replace, and patches of blocks."""
        for part in getattr(self.model, "children", tuple)():
            if next(part.parameters(), None) is None:
                part.to(self.load_device)
        self.model_patches_to(self.load_device)

    def patch_model(self, device_to: Any = None, **_options: Any) -> Any:
        """Load with the patches on; answers the module."""
        self.load()
        return self.model

    def unpatch_model(self, device_to: Any = None, unpatch_weights: bool = True) -> None:
        """Take objects, and weights too where asked, back to what they were."""
        if unpatch_weights:
            self.unpatch_weights()
        self._restore_objects()
        if device_to is not None:
            state_of(self.model).move(self.model, device_to)

    def detach(self, unpatch_all: bool = True) -> Any:
        """Take all changes off and the weights to where they wait."""
        self.unpatch_model(self.offload_device, unpatch_weights=unpatch_all)
        return self.model

    def hand_over(self, other: ModelPatcher) -> None:
        """Make the shared network ready for ``other``: what only this clone changed goes."""
        self._restore_objects()
        if other.patches_uuid != state_of(self.model).patches:
            self.unpatch_weights()

    def _patch_weights(self) -> None:
        import torch

        state, names = state_of(self.model), self.weights
        if self.patches:  # what stands in for the originals should not take room on the device
            state.move(self.model, self.offload_device)
        stored = getattr(self.model, "storage_dtype", None)
        with torch.no_grad():
            for name, changes in self.patches.items():
                if name not in names:
                    continue
                before = names.get(name)
                state.originals[name] = before
                changed = calculate_weight(changes, before.to(self.load_device, torch.float32, copy=True), name)
                if stored is not None:
                    changed = changed.to(stored)
                for parameter, piece, part in names.cut(name, changed):
                    state.keep(parameter)
                    cast = part.to(parameter.device, parameter.dtype)
                    if piece.into is None:
                        fits = cast.numel() == parameter.numel()  # layers may get more inputs
                        parameter.data = (cast.reshape(parameter.shape) if fits else cast).contiguous()
                    else:
                        parameter.data = parameter.data.clone()
                        parameter.data.narrow(0, *piece.into).copy_(cast)
        state.patches = self.patches_uuid

    def unpatch_weights(self) -> None:
        """Give every changed parameter the tensor it had."""
        state_of(self.model).restore_weights()

    def _patch_objects(self) -> None:
        self._restore_objects()
        applied = state_of(self.model).objects
        for name, value in self.object_patches.items():
            applied[name] = replace_object(self.model, name, value)

    def _restore_objects(self) -> None:
        applied = state_of(self.model).objects
        while applied:
            name, value = applied.popitem()
            replace_object(self.model, name, value)

    # --- what goes with a model ---

    def model_patches_to(self, device: Any) -> None:
        """Move what hangs on attention and blocks to a device or dtype."""
        for value in _patch_objects_in(self.model_options["transformer_options"]):
            value.to(device)

    def model_patches_models(self) -> list[Any]:
        """Patchers that must be loaded with this one."""
        return [model for models in self.additional_models.values() for model in models]

    def set_additional_models(self, key: str, models: list[Any]) -> None:
        self.additional_models[key] = models

    def get_additional_models_with_key(self, key: str) -> list[Any]:
        return self.additional_models.get(key, [])

    def set_attachments(self, key: str, attachment: Any) -> None:
        self.attachments[key] = attachment

    def get_attachment(self, key: str) -> Any:
        return self.attachments.get(key)

    def remove_attachments(self, key: str) -> None:
        self.attachments.pop(key, None)

    def add_callback(self, call_type: str, callback: Callable[..., Any]) -> None:
        self.add_callback_with_key(call_type, None, callback)

    def add_callback_with_key(self, call_type: str, key: Any, callback: Callable[..., Any]) -> None:
        self.callbacks.setdefault(call_type, {}).setdefault(key, []).append(callback)

    def get_all_callbacks(self, call_type: str) -> list[Any]:
        return [callback for callbacks in self.callbacks.get(call_type, {}).values() for callback in callbacks]

    def pre_run(self) -> None:
        """Called before sampling."""
        for callback in self.get_all_callbacks("on_pre_run"):
            callback(self)

    def cleanup(self) -> None:
        """Called after sampling."""
        for callback in self.get_all_callbacks("on_cleanup"):
            callback(self)


def _spelled(key: Any) -> tuple[str, Any, Any]:
    if isinstance(key, str):
        return key, None, None
    return key[0], key[1], key[2] if len(key) > 2 else None


def _unchanged(weight: Tensor, **_options: Any) -> Tensor:
    return weight


def _patch_objects_in(options: Mapping[str, Any]) -> list[Any]:
    lists = [patch for patches in options.get("patches", {}).values() for patch in patches]
    replaced = [patch for blocks in options.get("patches_replace", {}).values() for patch in blocks.values()]
    return [patch for patch in lists + replaced if hasattr(patch, "to")]
