"""Models larger than the device: what fits of their weights stays there, the rest goes there for its turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import memory

if TYPE_CHECKING:
    import torch
    from torch.nn import Module


class Stream:
    """Computes ``model`` on ``device`` while its weights live in main memory, until :meth:`end`.

    As many as fit into ``room`` bytes are sent once and stay; each of the others is sent when its module is called and
    dropped after it. Buffers, which are small, stay on the device. ``resident`` is how many bytes of weights stay.
    """

    def __init__(self, model: Module, device: torch.device, room: float = 0) -> None:
        self.device, self.room = device, room
        self.resident = 0
        self._hooks: list[Any] = []
        self._movers: list[_Mover] = []
        for part in model.modules():
            for name, buffer in part.named_buffers(recurse=False):
                setattr(part, name, buffer.to(device))
        units = [(unit, _own_size(unit)) for unit in _units(model)]
        room -= max((size for _, size in units), default=0)  # for the one whose turn it is
        try:
            for unit, size in units:
                self._add(unit, stays=self.resident + size <= room, size=size)
        except BaseException:  # the device is full all the same
            self.end()
            raise

    def _add(self, unit: Module, stays: bool, size: int) -> None:
        mover = _Mover(unit, self.device)
        self._movers.append(mover)
        if stays:
            mover.bring()
            self.resident += size
        else:
            self._hooks.append(unit.register_forward_pre_hook(mover.before))
            self._hooks.append(unit.register_forward_hook(mover.after, always_call=True))

    def end(self) -> None:
        """Give every weight the tensor it has in main memory."""
        for hook in self._hooks:
            hook.remove()
        for mover in self._movers:
            mover.drop()
        self._hooks, self._movers, self.resident = [], [], 0


def _units(module: Module) -> list[Module]:
    """The smallest modules that have weights of their own: weights are sent when, and only when, they are used."""
    return [part for part in module.modules() if any(True for _ in part.parameters(recurse=False))]


def _own_size(module: Module) -> int:
    return sum(memory.tensor_size(parameter) for parameter in module.parameters(recurse=False))


class _Mover:
    """Weights of one module, here and there. Those in main memory are never touched: copies take their place."""

    def __init__(self, module: Module, device: torch.device) -> None:
        self._module, self._device = module, device
        self._home: dict[str, Any] = {}

    def bring(self) -> None:
        from torch.nn import Parameter

        for name, parameter in self._module._parameters.items():
            if parameter is not None and parameter.device != self._device:
                self._home[name] = parameter
                there = parameter.data.to(self._device, non_blocking=True)
                self._module._parameters[name] = Parameter(there, requires_grad=False)

    def drop(self) -> None:
        self._module._parameters.update(self._home)
        self._home.clear()

    def before(self, _module: Module, _arguments: Any) -> None:
        self.bring()

    def after(self, _module: Module, _arguments: Any, _output: Any) -> None:
        self.drop()
