"""Models larger than the device: each block's weights go there for its turn and are dropped after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch.nn import Module


def stream_blocks(model: Any, device: torch.device) -> list[Any]:
    """Compute ``model`` on ``device`` while its weights stay in main memory; answers hooks whose ``remove`` ends that.

    Buffers, which are small, stay on the device.
    """
    hooks: list[Any] = []
    for part in model.modules():
        for name, buffer in part.named_buffers(recurse=False):
            setattr(part, name, buffer.to(device))
    for unit in _units(model):
        mover = _Mover(unit, device)
        hooks += [unit.register_forward_pre_hook(mover.bring), unit.register_forward_hook(mover.drop), mover]
    return hooks


def _units(module: Module) -> list[Module]:
    """The smallest modules that have weights of their own: weights are sent when, and only when, they are used."""
    return [part for part in module.modules() if any(True for _ in part.parameters(recurse=False))]


class _Mover:
    """Weights of one module, here and there."""

    def __init__(self, module: Module, device: torch.device) -> None:
        self._module, self._device = module, device
        self._home: dict[Any, Any] = {}

    def bring(self, module: Module, _arguments: Any) -> None:
        for parameter in module.parameters(recurse=False):
            if parameter.device != self._device:
                self._home[parameter] = parameter.data
                parameter.data = parameter.data.to(self._device, non_blocking=True)

    def drop(self, _module: Module, _arguments: Any, _output: Any) -> None:
        while self._home:
            parameter, data = self._home.popitem()
            parameter.data = data

    def remove(self) -> None:
        self.drop(self._module, None, None)
