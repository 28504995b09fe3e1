"""``nodes``: the live registry as ComfyUI's two dicts, and the built-in node classes by name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from .. import session as _session
from .node_mappings import DisplayNames, NodeClasses, WebFolders

MAX_RESOLUTION = 16384

NODE_CLASS_MAPPINGS = NodeClasses()
NODE_DISPLAY_NAME_MAPPINGS = DisplayNames()
#: Name in ``/extensions/<name>/`` → folder; packs add theirs.
EXTENSION_WEB_DIRS = WebFolders()
#: Name of a pack's module → its folder.
LOADED_MODULE_DIRS: dict[str, str] = {}

#: Node classes that the reference has in this module.
CORE_CLASSES = frozenset(
    (
        *("CLIPTextEncode", "CLIPSetLastLayer", "CLIPLoader", "DualCLIPLoader", "CLIPVisionLoader", "CLIPVisionEncode"),
        *("CheckpointLoader", "CheckpointLoaderSimple", "DiffusersLoader", "unCLIPCheckpointLoader", "UNETLoader"),
        *("ConditioningAverage", "ConditioningCombine", "ConditioningConcat", "ConditioningSetArea"),
        *("ConditioningSetAreaPercentage", "ConditioningSetAreaStrength", "ConditioningSetMask"),
        *("ConditioningSetTimestepRange", "ConditioningZeroOut", "ControlNetApply", "ControlNetApplyAdvanced"),
        *("ControlNetLoader", "DiffControlNetLoader", "EmptyImage", "EmptyLatentImage", "GLIGENLoader"),
        *("GLIGENTextBoxApply", "ImageBatch", "ImageInvert", "ImagePadForOutpaint", "ImageScale", "ImageScaleBy"),
        *("InpaintModelConditioning", "KSampler", "KSamplerAdvanced", "LatentBlend", "LatentComposite", "LatentCrop"),
        *("LatentFlip", "LatentFromBatch", "LatentRotate", "LatentUpscale", "LatentUpscaleBy", "LoadImage"),
        *("LoadImageMask", "LoadImageOutput", "LoadLatent", "LoraLoader", "LoraLoaderModelOnly", "PreviewImage"),
        *("RepeatLatentBatch", "SaveImage", "SaveLatent", "SetLatentNoiseMask", "StyleModelApply", "StyleModelLoader"),
        *("VAEDecode", "VAEDecodeTiled", "VAEEncode", "VAEEncodeForInpaint", "VAEEncodeTiled", "VAELoader"),
        *("unCLIPConditioning",),
    )
)
#: Functions of the reference's module that are not here.
FUNCTIONS = frozenset(("load_custom_node", "init_extra_nodes", "init_external_custom_nodes"))


def common_ksampler(*arguments: Any, **named: Any) -> Any:
    """What the KSampler nodes do: ``(model, seed, steps, cfg, sampler_name, scheduler, positive, negative, latent,
    denoise=1.0, disable_noise=False, start_step=None, last_step=None, force_full_denoise=False)`` → ``(latent,)``."""
    from ..nodes.sampling import common_ksampler as run

    return run(*arguments, **named)


def bind(session: _session.Session) -> None:
    """Show the nodes of ``session``."""
    NODE_CLASS_MAPPINGS.bind(session)
    NODE_DISPLAY_NAME_MAPPINGS.bind(session)
    EXTENSION_WEB_DIRS.bind(session)


def built_in_class(name: str) -> Any:
    """The class of the built-in node called ``name``, or None."""
    definition = _session.current().registry.get(name)
    if definition is None or definition.python_module.startswith("custom_nodes."):
        return None
    return getattr(definition.node_class, "V3_CLASS", definition.node_class)


def interrupt_processing(value: bool = True) -> None:
    """Stop the running prompt at its next cancel point."""
    if value:
        _session.current().engine.interrupt()


def before_node_execution() -> None:
    """A cancel point."""
    from ..protocol.context import context

    context().check_interrupted()


def get_module_name(module_path: str) -> str:
    """The name of a pack by its folder or file."""
    path = Path(module_path)
    return path.name if path.is_dir() else path.stem


def __getattr__(name: str) -> Any:
    found = built_in_class(name) if name in CORE_CLASSES else None
    if found is not None:
        return found
    from .stand_in import missing_attribute, stand_in

    if name in CORE_CLASSES or name in FUNCTIONS:
        return stand_in(f"nodes.{name}")
    return missing_attribute(sys.modules[__name__], "nodes", name, sys._getframe(1))


bind(_session.current())
