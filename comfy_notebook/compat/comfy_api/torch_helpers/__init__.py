"""``comfy_api.torch_helpers``: compiling parts of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def set_torch_compile_wrapper(
    model: Any,
    backend: str = "inductor",
    options: Any = None,
    mode: str | None = None,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    keys: Sequence[str] = ("diffusion_model",),
    *_: Any,
    **__: Any,
) -> None:
    """Let ``model`` run its parts ``keys`` through ``torch.compile``; ``model`` is a MODEL value, which is changed
    (clone it first). Each part is compiled when it is first called."""
    import torch

    settings = {"backend": backend, "options": options, "mode": mode, "fullgraph": fullgraph, "dynamic": dynamic}
    for key in keys:
        name = key if key.startswith("diffusion_model") else f"diffusion_model.{key}"
        part = model.get_model_object(name)
        model.add_object_patch(name, torch.compile(part, **settings))
