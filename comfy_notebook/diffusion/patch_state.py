"""What is done to a network at present, whichever of its patchers did it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import memory
from .streaming import Stream

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
        self._stream: Stream | None = None

    @property
    def streamed_to(self) -> torch.device | None:
        """Where the model computes while its weights wait in main memory; None for one that is whole somewhere."""
        return None if self._stream is None else self._stream.device

    @property
    def resident(self) -> int:
        """Bytes of a streamed model that stay on the device."""
        return 0 if self._stream is None else self._stream.resident

    @property
    def room(self) -> float:
        """Bytes that a streamed model may take on the device."""
        return 0 if self._stream is None else self._stream.room

    def keep(self, parameter: Any) -> None:
        """Remember the tensor of a parameter that will get another."""
        self._backup.setdefault(id(parameter), (parameter, parameter.data))

    def restore_weights(self) -> None:
        """Give every changed parameter the tensor it had."""
        if self._backup:
            self.end_stream()
        for parameter, data in self._backup.values():
            parameter.data = data.to(parameter.device)
        self._backup.clear()
        self.originals.clear()
        self.patches = None

    def move(self, model: Any, device: torch.device) -> None:
        """All weights to ``device``."""
        self.end_stream()
        model.to(device)
        self.device = device

    def stream(self, model: Any, device: torch.device, room: float) -> None:
        """Leave the weights in main memory, but for what fits into ``room`` bytes, and send the others to ``device``
        when they compute."""
        if self._stream is not None and self._stream.device == device:
            return
        self.move(model, memory.cpu())
        self.device = None
        self._stream = Stream(model, device, room)

    def end_stream(self) -> None:
        """All weights of a streamed model are in main memory again."""
        if self._stream is not None:
            self._stream.end()
            self._stream = None


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
