"""What is done to a network at present, whichever of its patchers did it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class PatchState:
    """What is done to a network at present; all patchers of the network see the same one."""

    def __init__(self) -> None:
        self.patches: Any = None
        self.device: torch.device | None = None
        self.objects: dict[str, Any] = {}
        self.originals: dict[str, Tensor] = {}
        self._backup: dict[int, tuple[Any, Tensor]] = {}
        self._hooks: list[Any] = []

    def keep(self, parameter: Any) -> None:
        """Remember the tensor of a parameter that will get another."""
        self._backup.setdefault(id(parameter), (parameter, parameter.data))

    def restore_weights(self) -> None:
        for parameter, data in self._backup.values():
            parameter.data = data.to(parameter.device)
        self._backup.clear()
        self.originals.clear()
        self.patches = None

    def move(self, model: Any, device: torch.device) -> None:
        """All weights to ``device``."""
        self._end_stream()
        model.to(device)
        self.device = device

    def stream(self, model: Any, device: torch.device) -> None:
        """Leave the weights in main memory and send each block's to ``device`` when it computes."""
        from .streaming import stream_blocks

        if not self._hooks:
            self.device = None
            self._hooks = stream_blocks(model, device)

    def _end_stream(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks = []


def state_of(model: Any) -> PatchState:
    """The one state of a network."""
    state = model.__dict__.get("_patch_state")
    if state is None:
        state = model.__dict__["_patch_state"] = PatchState()
    return state  # type: ignore[no-any-return]


def replace_object(owner: Any, name: str, value: Any) -> Any:
    """Set ``owner.a.b.c``; answers what was there."""
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    before = getattr(owner, last)
    setattr(owner, last, value)
    return before
