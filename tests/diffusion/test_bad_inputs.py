"""What does not fit together in a graph: the node says what is wrong, the engine goes on, and memory comes back."""

from __future__ import annotations

import gc
import os
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook import folders, nodes
from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.base_model import BaseModel
from comfy_notebook.diffusion.checkpoints.files import ALLOW_PICKLE, write_weights
from comfy_notebook.engine import Engine, EventBus, PromptRejected
from comfy_notebook.protocol.registry import Registry
from comfy_notebook.protocol.v1 import definition_from_class

from . import tiny
from .capture import ParityCapture
from .test_end_to_end import node


class Wrong:
    """Values that no widget lets through, as other nodes can make them."""

    RETURN_TYPES = ("LATENT", "FLOAT", "INT", "IMAGE")
    FUNCTION = "make"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {}}

    def make(self) -> tuple[Any, ...]:
        return {"samples": torch.full((1, 4, 8, 8), float("nan"))}, float("inf"), 0, torch.rand(1, 67, 70, 3)


LAYER = "output_blocks.3.1.transformer_blocks.0.attn1.to_q"
LOADERS = {
    "checkpoints": ("CheckpointLoaderSimple", "ckpt_name", {}),
    "diffusion_models": ("UNETLoader", "unet_name", {"weight_dtype": "default"}),
    "text_encoders": ("CLIPLoader", "clip_name", {"type": "stable_diffusion"}),
    "vae": ("VAELoader", "vae_name", {}),
    "controlnet": ("ControlNetLoader", "control_net_name", {}),
    "clip_vision": ("CLIPVisionLoader", "clip_name", {}),
    "upscale_models": ("UpscaleModelLoader", "model_name", {}),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that are good but belong to different families, and ones that are cut off, in every folder."""
    root: Path = tmp_path_factory.mktemp("bad_inputs")
    models = root / "models"
    for kind in (*LOADERS, "loras"):
        (models / kind).mkdir(parents=True)
        whole = models / kind / "whole.part"
        write_weights({"a": torch.zeros(64)}, whole)
        (models / kind / "cut.safetensors").write_bytes(whole.read_bytes()[:-40])
        whole.unlink()
        (models / kind / "empty.safetensors").write_bytes(b"")
        (models / kind / "folder.safetensors").mkdir()
    tiny.write(tiny.sd1(), models / "checkpoints" / "sd1.safetensors")
    tiny.write(tiny.sdxl(), models / "checkpoints" / "sdxl.safetensors")
    write_weights(tiny.random_weights(tiny.ldm_vae(latent=16, quant=False)), models / "vae" / "flux.safetensors")
    write_weights(tiny.controlnet(xl=True), models / "controlnet" / "xl.safetensors")
    write_weights({"x.weight": torch.zeros(4, 4)}, models / "checkpoints" / "strange.safetensors")
    name = f"lora_unet_{LAYER.replace('.', '_')}"
    partly = {f"{name}.lora_up.weight": torch.ones(64, 4), f"{name}.lora_down.weight": torch.ones(4, 64)}
    flux = {f"lora_unet_double_blocks_{i}_img_attn_qkv.{part}.weight": torch.ones(4, 4)
            for i in range(2) for part in ("lora_up", "lora_down")}  # fmt: skip
    write_weights(flux, models / "loras" / "flux.safetensors")
    write_weights(partly | flux, models / "loras" / "partly.safetensors")
    return root


@pytest.fixture(scope="module")
def engine(base: Path) -> Iterator[Engine]:
    registry = Registry()
    nodes.register_all(registry)
    for cls in (Wrong, ParityCapture):
        registry.register(definition_from_class(cls.__name__, cls))
    before, own = folders.current(), folders.Folders(base=base)
    folders.use(own)
    engine = Engine(registry, EventBus(), own)
    yield engine
    engine.shutdown()
    folders.use(before)


def graph(**changed: Any) -> dict[str, Any]:
    """Text to image in one step; ``k__cfg=…`` changes the input ``cfg`` of node ``k``."""
    made = {
        "ck": node("CheckpointLoaderSimple", ckpt_name="sd1.safetensors"),
        "p": node("CLIPTextEncode", text="a cat", clip=["ck", 1]),
        "n": node("CLIPTextEncode", text="blurry", clip=["ck", 1]),
        "l": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "k": node(
            "KSampler", model=["ck", 0], positive=["p", 0], negative=["n", 0], latent_image=["l", 0], seed=1,
            steps=1, cfg=4.0, sampler_name="euler", scheduler="normal", denoise=1.0,
        ),
        "d": node("VAEDecode", samples=["k", 0], vae=["ck", 2]),
        "c": node("ParityCapture", value=["d", 0], tag="image"),
    }  # fmt: skip
    for name, value in changed.items():
        place, _, given = name.partition("__")
        if given:
            made[place]["inputs"][given] = value
        else:
            made[place] = value
    return made


def said(engine: Engine, prompt: dict[str, Any]) -> tuple[str, str]:
    """The node that refuses, before or during the run, and what it says; nothing where all went well."""
    ParityCapture.captured.clear()
    try:
        submission = engine.submit(prompt)
    except PromptRejected as refused:
        [(place, problems)] = refused.node_errors.items()
        return place, " ".join(f"{error['message']} {error['details']}" for error in problems["errors"])
    messages = engine.wait(submission.prompt_id, timeout=120)["status"]["messages"]
    errors = [data for kind, data in messages if kind == "execution_error"]
    return (errors[0]["node_id"], errors[0]["exception_message"]) if errors else ("", "")


XL = {"ck2": node("CheckpointLoaderSimple", ckpt_name="sdxl.safetensors")}
CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "the text of another model": (
        {**XL, "p__clip": ["ck2", 1]}, "k", r"'positive' is a text encoding 128 numbers wide and .* reads 64",
    ),
    "a latent of another family": (
        {"v": node("VAELoader", vae_name="flux.safetensors"), "w": node("Wrong"),
         "e": node("VAEEncode", pixels=["w", 3], vae=["v", 0]), "k__latent_image": ["e", 0]},
        "k", "16 channels and the model works on 4",
    ),
    "an autoencoder of another family": (
        {"v": node("VAELoader", vae_name="flux.safetensors"), "d__vae": ["v", 0]},
        "d", "latents of 16 channels, not of 4",
    ),
    "a control network of another family": (
        {"cn": node("ControlNetLoader", control_net_name="xl.safetensors"),
         "i": node("EmptyImage", width=64, height=64, batch_size=1, color=0),
         "a": node("ControlNetApplyAdvanced", positive=["p", 0], negative=["n", 0], control_net=["cn", 0],
                   image=["i", 0], strength=1.0, start_percent=0.0, end_percent=1.0),
         "k__positive": ["a", 0], "k__negative": ["a", 1]},
        "k", "Stable Diffusion XL.*Stable Diffusion 1",
    ),
    "a LoRA of another family": (
        {"lo": node("LoraLoader", model=["ck", 0], clip=["ck", 1], lora_name="flux.safetensors", strength_model=1.0,
                    strength_clip=1.0), "k__model": ["lo", 0]},
        "lo", "flux.safetensors is a LoRA for another family of models: none of its 2 layers is in Stable Diffusion 1",
    ),
    "a latent of NaN": ({"w": node("Wrong"), "k__latent_image": ["w", 0]}, "k", "NaN or infinite values"),
    "a picture of NaN": ({"w": node("Wrong"), "d__samples": ["w", 0]}, "d", "holds NaN.*overflowed"),
    "infinite guidance": ({"w": node("Wrong"), "k__cfg": ["w", 1]}, "k", "cfg is inf"),
    "infinite guidance in the widget": ({"k__cfg": float("inf")}, "k", "cfg|bigger than"),
    "no steps": ({"k__steps": 0}, "k", "smaller than"),
    "no steps by link": ({"w": node("Wrong"), "k__steps": ["w", 2]}, "k", "at least 1 step"),
    "noise below zero": (
        {"g": node("CFGGuider", model=["ck", 0], positive=["p", 0], negative=["n", 0], cfg=2.0),
         "r": node("RandomNoise", noise_seed=1), "sa": node("KSamplerSelect", sampler_name="euler"),
         "s": node("ManualSigmas", sigmas="5.0, -1.0, 0.0"),
         "k": node("SamplerCustomAdvanced", noise=["r", 0], guider=["g", 0], sampler=["sa", 0], sigmas=["s", 0],
                   latent_image=["l", 0])},
        "k", "amounts of noise, from 0 up",
    ),
    "a file of no known family": ({"ck__ckpt_name": "strange.safetensors"}, "ck", "no diffusion model.*Flux.*x.weight"),
    "a folder for a file": ({"ck__ckpt_name": "folder.safetensors"}, "ck", "there is no file 'folder.safetensors'"),
    "a name that is nearly right": ({"ck__ckpt_name": "sdx.safetensors"}, "ck", "like it: .*sdxl.safetensors"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_node_says_what_does_not_fit(case: str, engine: Engine) -> None:
    changed, place, words = CASES[case]
    found, text = said(engine, graph(**changed))
    assert found == place, text
    assert re.search(words, text), text


@pytest.mark.parametrize("kind", LOADERS)
def test_every_loader_names_what_is_wrong_with_its_file(kind: str, engine: Engine) -> None:
    loader, name, more = LOADERS[kind]
    for file, words in {"cut": "cut.safetensors is cut off", "empty": "it is empty"}.items():
        prompt = {"x": node(loader, **{name: f"{file}.safetensors"}, **more)}
        prompt["c"] = node("ParityCapture", value=["x", 0], tag="x")
        place, text = said(engine, prompt)
        assert place == "x"
        assert words in text
    prompt["x"]["inputs"][name] = "cutt.safetensors"
    place, text = said(engine, prompt)
    assert place == "x"
    assert "there is no file 'cutt.safetensors'" in text
    assert "cut.safetensors" in text


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("allowed", ["", "1"])
@pytest.mark.parametrize("kind", LOADERS)
def test_code_in_pickles_never_runs(
    kind: str, allowed: str, engine: Engine, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ALLOW_PICKLE, allowed)
    loader, name, more = LOADERS[kind]
    trace = base / f"ran-{kind}"
    for file, write in (("old.ckpt", pickle.dump), ("new.pt", torch.save)):
        with open(base / "models" / kind / file, "wb") as target:
            write({"state_dict": {"a": Trap(trace)}}, target)
        prompt = {"x": node(loader, **{name: file}, **more), "c": node("ParityCapture", value=["x", 0], tag="x")}
        place, text = said(engine, prompt)
        assert place == "x"
        assert ("holds more than weights" if allowed else "is a pickle") in text
        assert not trace.exists()
        (base / "models" / kind / file).unlink()


def test_a_lora_that_fits_in_part_says_how_much(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    lora = node("LoraLoader", model=["ck", 0], clip=["ck", 1], lora_name="partly.safetensors", strength_model=1.0,
                strength_clip=1.0)  # fmt: skip
    assert said(engine, graph(lo=lora, k__model=["lo", 0])) == ("", "")
    assert "partly.safetensors: 2 of 3 layers are not in this model and were left out" in caplog.text


def test_sides_that_are_no_multiple_of_eight(engine: Engine) -> None:
    """Pictures are cut to whole latent pixels before they are encoded, from the middle; any latent is sampled."""
    picture = {"w": node("Wrong"), "e": node("VAEEncode", pixels=["w", 3], vae=["ck", 2])}
    assert said(engine, graph(**picture, k__latent_image=["e", 0])) == ("", "")
    assert ParityCapture.captured["image"][0].shape == (1, 64, 64, 3)
    assert said(engine, graph(l__width=72, l__height=88)) == ("", "")
    assert ParityCapture.captured["image"][0].shape == (1, 88, 72, 3)


def test_nothing_to_denoise_leaves_the_latent(engine: Engine) -> None:
    keep = node("ParityCapture", value=["k", 0], tag="latent")
    picture = {"w": node("Wrong"), "e": node("VAEEncode", pixels=["w", 3], vae=["ck", 2])}
    before = node("ParityCapture", value=["e", 0], tag="before")
    prompt = graph(**picture, c=keep, b=before, k__latent_image=["e", 0], k__denoise=0.0)
    assert said(engine, prompt) == ("", "")
    [made], [start] = ParityCapture.captured["latent"], ParityCapture.captured["before"]
    assert torch.equal(made["samples"], start["samples"])


@pytest.mark.parametrize("masks", [1, 2, 5])
def test_masks_of_another_batch_are_repeated(masks: int, engine: Engine) -> None:
    mask = {
        "m": node("SolidMask", value=0.5, width=64, height=64),
        "b": node("MaskToImage", mask=["m", 0]),
        "i": node("RepeatImageBatch", image=["b", 0], amount=masks),
        "mm": node("ImageToMask", image=["i", 0], channel="red"),
        "pm": node("ConditioningSetMask", conditioning=["p", 0], mask=["mm", 0], strength=1.0, set_cond_area="default"),
        "lm": node("SetLatentNoiseMask", samples=["l", 0], mask=["mm", 0]),
    }
    assert said(engine, graph(**mask, l__batch_size=3, k__positive=["pm", 0], k__latent_image=["lm", 0])) == ("", "")
    assert ParityCapture.captured["image"][0].shape == (3, 64, 64, 3)


def test_after_all_of_it_memory_is_free_again(engine: Engine) -> None:
    assert said(engine, graph(k__seed=2)) == ("", "")
    ParityCapture.captured.clear()
    engine.free()
    gc.collect()
    assert [entry for entry in memory.current_loaded_models if entry.alive] == []
    assert [thing for thing in gc.get_objects() if type(thing) is BaseModel] == []
