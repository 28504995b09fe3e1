"""How a run of the sampler behaves: cancelling, progress, previews, and what a new seed runs again."""

from __future__ import annotations

import gc
import io
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook import folders, nodes
from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.base_model import BaseModel
from comfy_notebook.diffusion.sampling.previews import Latent2RGBPreviewer
from comfy_notebook.engine import Engine, EventBus
from comfy_notebook.engine.progress import PREVIEW_BYTES, PREVIEW_SIDE, small_picture
from comfy_notebook.protocol.registry import Registry
from comfy_notebook.protocol.v1 import definition_from_class

from . import tiny
from .capture import ParityCapture
from .test_end_to_end import graph


@pytest.fixture(scope="module")
def bus() -> EventBus:
    return EventBus()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, bus: EventBus) -> Iterator[Engine]:
    base = tmp_path_factory.mktemp("behaviour")
    (base / "models" / "checkpoints").mkdir(parents=True)
    tiny.write(tiny.sd1(), base / "models" / "checkpoints" / "sd1.safetensors")
    registry = Registry()
    nodes.register_all(registry)
    registry.register(definition_from_class("ParityCapture", ParityCapture))
    before, own = folders.current(), folders.Folders(base=Path(base))
    folders.use(own)
    engine = Engine(registry, bus, own)
    yield engine
    engine.shutdown()
    folders.use(before)


def steps(count: int, seed: int) -> dict[str, Any]:
    made = graph(seed=seed)
    made["k"]["inputs"]["steps"] = count
    return made


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the network was called."""
    times: list[float] = []
    original = BaseModel.apply_model

    def apply_model(model: BaseModel, *given: Any, **named: Any) -> Any:
        times.append(time.monotonic())
        return original(model, *given, **named)

    monkeypatch.setattr(BaseModel, "apply_model", apply_model)
    return times


def messages(engine: Engine, prompt: dict[str, Any], **more: Any) -> list[tuple[str, Any]]:
    submission = engine.submit(prompt, **more)
    assert submission.node_errors == {}
    found: list[tuple[str, Any]] = engine.wait(submission.prompt_id, timeout=120)["status"]["messages"]
    return found


def test_cancelled_during_a_call_no_other_follows(
    engine: Engine, calls: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = BaseModel.apply_model

    def cancelling(model: BaseModel, *given: Any, **named: Any) -> Any:
        if len(calls) == 2:
            engine.interrupt()
        return counted(model, *given, **named)

    monkeypatch.setattr(BaseModel, "apply_model", cancelling)
    said = messages(engine, steps(50, seed=31))
    assert len(calls) == 3, "the call during which it was cancelled is the last"
    [stopped] = [data for kind, data in said if kind == "execution_interrupted"]
    assert stopped["node_id"] == "k"
    monkeypatch.setattr(BaseModel, "apply_model", counted)
    assert messages(engine, steps(2, seed=32))[-1][0] == "execution_success", "the next run is none the worse"
    engine.free()
    gc.collect()
    assert [entry for entry in memory.current_loaded_models if entry.alive] == []
    assert [thing for thing in gc.get_objects() if type(thing) is BaseModel] == []


def test_a_full_device_is_said_on_the_node_and_leaves_nothing_behind(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def full(model: BaseModel, x: Any, *given: Any, **named: Any) -> Any:
        calls.append(x.shape[0])
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    with monkeypatch.context() as patch:
        patch.setattr(BaseModel, "apply_model", full)
        said = messages(engine, steps(4, seed=40))
    [error] = [data for kind, data in said if kind == "execution_error"]
    assert error["node_id"] == "k"
    assert "not enough memory on cpu to run the model. Use a smaller image or batch" in error["exception_message"]
    assert calls == [2, 1], "both prompts at once, then each alone"
    assert messages(engine, steps(1, seed=41))[-1][0] == "execution_success"
    engine.free()
    gc.collect()
    assert [thing for thing in gc.get_objects() if type(thing) is BaseModel] == []


def test_fast_steps_are_told_of_ten_times_a_second_and_the_last_one_always(
    engine: Engine, bus: EventBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BaseModel, "apply_model", lambda model, x, *given, **named: x * 0.5)
    heard: list[tuple[float, Any]] = []
    bus.subscribe(lambda event: heard.append((time.monotonic(), event)))
    started = time.monotonic()
    messages(engine, steps(300, seed=33), client_id="me")
    seconds = time.monotonic() - started
    told = [event.data for _, event in heard if event.type == "progress" and event.data["node"] == "k"]
    assert told[-1] == {"value": 300, "max": 300, "prompt_id": told[-1]["prompt_id"], "node": "k"}
    assert len(told) <= seconds * 10 + 2
    previews = [moment for moment, event in heard if event.type == "b_preview_with_metadata"]
    assert 1 <= len(previews) <= seconds * 10 + 2
    assert sum(later - earlier < 0.05 for earlier, later in itertools.pairwise(previews)) <= 1


def test_previews_that_nobody_wants_are_not_drawn(
    engine: Engine, bus: EventBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Any] = []
    bus.subscribe(heard.append)
    drawn: list[Any] = []
    original = Latent2RGBPreviewer.decode_latent_to_preview

    def decode(previewer: Any, x0: Any) -> Any:
        drawn.append(x0)
        return original(previewer, x0)

    monkeypatch.setattr(Latent2RGBPreviewer, "decode_latent_to_preview", decode)
    messages(engine, steps(3, seed=34), client_id="me", extra_data={"preview_method": "none"})
    assert not [event for event in heard if event.type == "b_preview_with_metadata"]
    assert drawn == []
    messages(engine, steps(3, seed=35), client_id="me")
    assert [event for event in heard if event.type == "b_preview_with_metadata"]


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize("side", [PREVIEW_SIDE, None])
def test_the_worst_picture_is_a_small_preview(format: str, side: int | None) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), dtype=np.uint8)
    kind, content = small_picture(Image.fromarray(noise), format, side)
    assert len(content) <= PREVIEW_BYTES
    shown = Image.open(io.BytesIO(content))
    assert shown.format == kind
    assert 256 <= max(shown.size) <= PREVIEW_SIDE


def test_an_ordinary_preview_is_sent_as_it_was_asked_for() -> None:
    smooth = Image.fromarray(np.linspace(0, 255, 128 * 128, dtype=np.uint8).reshape(128, 128))
    for format in ("JPEG", "PNG"):
        kind, content = small_picture(smooth, format, PREVIEW_SIDE)
        assert kind == format
        assert Image.open(io.BytesIO(content)).size == (128, 128)


def test_a_new_seed_runs_the_sampler_and_what_follows_alone(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from comfy_notebook.diffusion.checkpoints import load
    from comfy_notebook.diffusion.clip import CLIP

    engine.free()
    done: list[str] = []
    encode, read = CLIP.encode_from_tokens, load.load_checkpoint

    def encoding(clip: CLIP, *given: Any, **named: Any) -> Any:
        done.append("encoded")
        return encode(clip, *given, **named)

    def reading(*given: Any, **named: Any) -> Any:
        done.append("loaded")
        return read(*given, **named)

    monkeypatch.setattr(CLIP, "encode_from_tokens", encoding)
    monkeypatch.setattr(load, "load_checkpoint", reading)
    for seed in (36, 37, 38):
        messages(engine, steps(1, seed=seed))
    assert sorted(done) == ["encoded", "encoded", "loaded"]
