"""Graphs with union networks, adapters, GLIGEN and unCLIP on small random files, through the engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook import folders, nodes
from comfy_notebook.diffusion.checkpoints.files import write_weights
from comfy_notebook.engine import Engine, EventBus
from comfy_notebook.protocol.registry import Registry
from comfy_notebook.protocol.v1 import definition_from_class

from . import test_gligen, test_unclip, tiny, tiny_control
from .capture import ParityCapture
from .test_end_to_end import graph, node, run


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    base = tmp_path_factory.mktemp("guides")
    files = {
        "checkpoints/sd1": tiny.sd1(),
        "checkpoints/sdxl": tiny.sdxl(),
        "checkpoints/unclip": test_unclip.checkpoint(),
        "controlnet/union": tiny_control.union(),
        "controlnet/adapter": tiny_control.t2i_adapter(),
        "gligen/boxes": test_gligen.gligen(),
    }
    for name, weights in files.items():
        write_weights(weights, base / "models" / f"{name}.safetensors")
    registry = Registry()
    nodes.register_all(registry)
    registry.register(definition_from_class("ParityCapture", ParityCapture))
    before = folders.current()
    own = folders.Folders(base=base)
    folders.use(own)
    engine = Engine(registry, EventBus(), own)
    yield engine
    engine.shutdown()
    folders.use(before)


def sampler(checkpoint: str, **inputs: Any) -> dict[str, Any]:
    made: dict[str, Any] = graph(checkpoint)["k"]
    return {**made, "inputs": made["inputs"] | inputs}


IMAGE = node("EmptyImage", width=64, height=64, batch_size=1, color=0xFF8800)


def applied(network: str, kind: str | None = None) -> dict[str, Any]:
    """The nodes by which a control network steers both conditionings."""
    made = {"cn": node("ControlNetLoader", control_net_name=f"{network}.safetensors"), "i": IMAGE}
    if kind is not None:
        made["u"] = node("SetUnionControlNetType", control_net=["cn", 0], type=kind)
    made["a"] = node("ControlNetApplyAdvanced", positive=["p", 0], negative=["n", 0], image=["i", 0], strength=1.0,
                     control_net=["cn" if kind is None else "u", 0], start_percent=0.0, end_percent=1.0)  # fmt: skip
    return made


STEERED = {"positive": ["a", 0], "negative": ["a", 1]}
GRAPHS: dict[str, dict[str, Any]] = {
    "union": graph("sdxl", k=sampler("sdxl", **STEERED), **applied("union", "depth")),
    "adapter": graph("sd1", k=sampler("sd1", **STEERED), **applied("adapter")),
    "gligen": graph(
        "sd1", k=sampler("sd1", positive=["b", 0]), g=node("GLIGENLoader", gligen_name="boxes.safetensors"),
        b=node("GLIGENTextBoxApply", conditioning_to=["p", 0], clip=["ck", 1], gligen_textbox_model=["g", 0],
               text="a red hat", width=32, height=32, x=16, y=8),
    ),
    "unclip": graph(
        "unclip", ck=node("unCLIPCheckpointLoader", ckpt_name="unclip.safetensors"), i=IMAGE,
        v=node("CLIPVisionEncode", clip_vision=["ck", 3], image=["i", 0], crop="center"),
        u=node("unCLIPConditioning", conditioning=["p", 0], clip_vision_output=["v", 0], strength=1.0,
               noise_augmentation=0.1),
        k=sampler("unclip", positive=["u", 0]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GRAPHS)
def test_a_guide_changes_the_picture_and_leaves_the_model_as_it_was(name: str, engine: Engine) -> None:
    guided = GRAPHS[name]
    checkpoint = guided["ck"]["inputs"]["ckpt_name"].removesuffix(".safetensors")
    plain = graph(checkpoint, ck=guided["ck"])
    engine.free()
    image = run(engine, guided)
    after = run(engine, plain)
    assert bool(torch.isfinite(image).all())
    assert float((image - after).abs().max()) > 1e-3
    engine.free()
    assert torch.equal(run(engine, plain), after), "as it is read from its file"
