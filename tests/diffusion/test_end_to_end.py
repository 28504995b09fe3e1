"""Whole graphs on small random checkpoints, through the engine, as the editor runs them."""

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

from . import tiny
from .capture import ParityCapture


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    base = tmp_path_factory.mktemp("end_to_end")
    models = base / "models"
    for name, weights in {"sd1": tiny.sd1(), "sd1_inpaint": tiny.sd1(9), "sdxl": tiny.sdxl()}.items():
        (models / "checkpoints").mkdir(parents=True, exist_ok=True)
        tiny.write(weights, models / "checkpoints" / f"{name}.safetensors")
    write_weights(tiny.controlnet(), models / "controlnet" / "control.safetensors")
    layer = "lora_unet_up_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q"
    lora = {f"{layer}.lora_up.weight": torch.randn(64, 4), f"{layer}.lora_down.weight": torch.randn(4, 64)}
    write_weights(lora, models / "loras" / "lora.safetensors")
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


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def graph(checkpoint: str = "sd1", seed: int = 1, **changed: dict[str, Any]) -> dict[str, Any]:
    """Text to image at 64 px in two steps."""
    made = {
        "ck": node("CheckpointLoaderSimple", ckpt_name=f"{checkpoint}.safetensors"),
        "p": node("CLIPTextEncode", text="a (red:1.3) cat", clip=["ck", 1]),
        "n": node("CLIPTextEncode", text="blurry", clip=["ck", 1]),
        "l": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "k": node(
            "KSampler", model=["ck", 0], positive=["p", 0], negative=["n", 0], latent_image=["l", 0], seed=seed,
            steps=2, cfg=4.0, sampler_name="euler", scheduler="normal", denoise=1.0,
        ),
        "d": node("VAEDecode", samples=["k", 0], vae=["ck", 2]),
        "c": node("ParityCapture", value=["d", 0], tag="image"),
    }  # fmt: skip
    return made | changed


def run(engine: Engine, prompt: dict[str, Any]) -> torch.Tensor:
    """The image that a graph makes."""
    ParityCapture.captured.clear()
    submission = engine.submit(prompt)
    assert submission.node_errors == {}
    status = engine.wait(submission.prompt_id, timeout=120)["status"]
    assert status["status_str"] == "success", status["messages"]
    [image] = ParityCapture.captured["image"]
    assert isinstance(image, torch.Tensor)
    return image


def executed(engine: Engine, prompt: dict[str, Any]) -> set[str]:
    """The nodes that a run had to execute."""
    submission = engine.submit(prompt)
    messages = engine.wait(submission.prompt_id, timeout=120)["status"]["messages"]
    [cached] = [set(data["nodes"]) for kind, data in messages if kind == "execution_cached"]
    return set(prompt) - cached


@pytest.mark.parametrize("checkpoint", ["sd1", "sdxl"])
def test_text_to_image(checkpoint: str, engine: Engine) -> None:
    image = run(engine, graph(checkpoint))
    assert image.shape == (1, 64, 64, 3)
    assert bool(torch.isfinite(image).all())
    assert float(image.std()) > 0.01
    engine.free()
    torch.testing.assert_close(run(engine, graph(checkpoint)), image, msg="the same seed makes the same picture")
    assert float((run(engine, graph(checkpoint, seed=2)) - image).abs().max()) > 0.01


def test_a_new_seed_encodes_no_prompt_again(engine: Engine) -> None:
    run(engine, graph(seed=10))
    assert executed(engine, graph(seed=11)) == {"k", "d", "c"}


def test_a_lora_changes_the_picture_and_leaves_the_model_as_it_was(engine: Engine) -> None:
    plain = run(engine, graph(seed=5))
    lora = node("LoraLoader", model=["ck", 0], clip=["ck", 1], lora_name="lora.safetensors", strength_model=1.0,
                strength_clip=1.0)  # fmt: skip
    sampler = graph(seed=5)["k"]
    sampler["inputs"]["model"] = ["lora", 0]
    changed = run(engine, graph(seed=5, lora=lora, k=sampler))
    assert float((changed - plain).abs().max()) > 1e-3
    engine.free()
    torch.testing.assert_close(run(engine, graph(seed=5)), plain, rtol=0, atol=1e-6)


def test_a_control_network_changes_the_picture(engine: Engine) -> None:
    plain = run(engine, graph(seed=6))
    sampler = graph(seed=6)["k"]
    sampler["inputs"] |= {"positive": ["a", 0], "negative": ["a", 1]}
    steered = run(engine, graph(
        seed=6, k=sampler,
        cn=node("ControlNetLoader", control_net_name="control.safetensors"),
        i=node("EmptyImage", width=64, height=64, batch_size=1, color=0xFF8800),
        a=node("ControlNetApplyAdvanced", positive=["p", 0], negative=["n", 0], control_net=["cn", 0], image=["i", 0],
               strength=1.0, start_percent=0.0, end_percent=0.5),
    ))  # fmt: skip
    assert float((steered - plain).abs().max()) > 1e-3


def test_image_to_image_inpainting_and_merging(engine: Engine) -> None:
    sampler = graph("sd1_inpaint", seed=7)["k"]
    sampler["inputs"] |= {"positive": ["c2", 0], "negative": ["c2", 1], "latent_image": ["c2", 2], "denoise": 0.8}
    image = run(engine, graph(
        "sd1_inpaint", seed=7, k=sampler,
        i=node("EmptyImage", width=64, height=64, batch_size=1, color=0x3366FF),
        m=node("SolidMask", value=1.0, width=64, height=64),
        c2=node("InpaintModelConditioning", positive=["p", 0], negative=["n", 0], vae=["ck", 2], pixels=["i", 0],
                mask=["m", 0], noise_mask=True),
    ))  # fmt: skip
    assert image.shape == (1, 64, 64, 3)
    merged = graph(seed=8)["k"]
    merged["inputs"]["model"] = ["mm", 0]
    half = run(engine, graph(
        seed=8, k=merged,
        mm=node("ModelMergeBlocks", model1=["ck", 0], model2=["ck", 0], input=0.2, middle=0.5, out=1.0),
    ))  # fmt: skip
    torch.testing.assert_close(half, run(engine, graph(seed=8)), rtol=1e-3, atol=1e-4, msg="a model mixed with itself")


def test_a_latent_of_another_family_is_refused_on_the_node(engine: Engine) -> None:
    flux = tiny.random_weights(tiny.ldm_vae(latent=16, quant=False))
    write_weights(flux, folders.current().models / "vae" / "flux.safetensors")
    loader = node("VAELoader", vae_name="flux.safetensors")
    prompt = graph(seed=9, v=loader, d=node("VAEDecode", samples=["k", 0], vae=["v", 0]))
    entry = engine.wait(engine.submit(prompt).prompt_id, timeout=120)
    [error] = [data for kind, data in entry["status"]["messages"] if kind == "execution_error"]
    assert error["node_id"] == "d"
    assert "latents of 16 channels, not of 4" in error["exception_message"]


def test_perturbed_attention_and_freeu_run(engine: Engine) -> None:
    plain = run(engine, graph(seed=12))
    patches = {"PerturbedAttentionGuidance": {"scale": 3.0}, "FreeU_V2": {"b1": 1.3, "b2": 1.4, "s1": 0.9, "s2": 0.2}}
    for kind, options in patches.items():
        sampler = graph(seed=12)["k"]
        sampler["inputs"]["model"] = ["patch", 0]
        changed = run(engine, graph(seed=12, k=sampler, patch=node(kind, model=["ck", 0], **options)))
        assert float((changed - plain).abs().max()) > 1e-4, kind


def test_the_included_upscaler_runs_in_a_graph(engine: Engine) -> None:
    image = run(engine, {
        "i": node("EmptyImage", width=40, height=24, batch_size=2, color=0xFF8800),
        "u": node("UpscaleModelLoader", model_name="realesr-animevideov3-x4.safetensors"),
        "x": node("ImageUpscaleWithModel", upscale_model=["u", 0], image=["i", 0]),
        "c": node("ParityCapture", value=["x", 0], tag="image"),
    })  # fmt: skip
    assert image.shape == (2, 96, 160, 3)
    assert float((image.mean(dim=(0, 1, 2)) - torch.tensor([1.0, 0x88 / 255, 0.0])).abs().max()) < 0.05
