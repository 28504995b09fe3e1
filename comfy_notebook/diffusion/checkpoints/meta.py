"""Modules without weights: built at once, whatever their size, to be given the tensors of a file."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

_lock = threading.RLock()


@contextlib.contextmanager
def without_weights() -> Iterator[None]:
    """Parameters of modules that this thread builds inside live on the meta device; buffers are made as ever."""
    import torch
    from torch.nn import Module, Parameter

    register = Module.register_parameter
    thread = threading.get_ident()

    def registered(module: Module, name: str, param: Parameter | None) -> None:
        if param is not None and threading.get_ident() == thread and not param.is_meta:
            param = Parameter(torch.empty_like(param, device="meta"), requires_grad=False)
        register(module, name, param)

    with _lock:
        Module.register_parameter = registered  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            Module.register_parameter = register  # type: ignore[method-assign]


def quiet_libraries() -> None:
    """diffusers and transformers print advice about their own loaders, which are not used."""
    import logging

    for name in ("diffusers", "transformers"):
        logging.getLogger(name).setLevel(logging.ERROR)


def shapes_of(module: Any) -> dict[str, tuple[int, ...]]:
    """Name → shape of a module's parameters and buffers."""
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}
