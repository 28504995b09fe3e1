"""Files that are cut off, renamed, missing or of the wrong kind: the message says what is wrong and what would help."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from comfy_notebook import folders, nodes
from comfy_notebook.diffusion.checkpoints.files import ALLOW_PICKLE, WeightsError, read_weights, write_weights
from comfy_notebook.engine import Engine, EventBus
from comfy_notebook.protocol.registry import Registry


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Path]:
    before = folders.current()
    folders.use(folders.Folders(base=tmp_path))
    yield tmp_path
    folders.use(before)


def good(path: Path) -> None:
    write_weights({"a.weight": torch.arange(64.0).reshape(8, 8), "b": torch.zeros(3, dtype=torch.bfloat16)}, path)


def cut_off(path: Path) -> None:
    good(path)
    path.write_bytes(path.read_bytes()[:-40])


def cut_in_header(path: Path) -> None:
    good(path)
    path.write_bytes(path.read_bytes()[:30])


def pickled(path: Path) -> None:
    torch.save({"a.weight": torch.zeros(2)}, path)


def old_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"a": 1}))


LYING_HEADER = b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,4]}}'
BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut off": (cut_off, r"x\.safetensors is cut off: it should have [\d,]+ bytes and has [\d,]+"),
    "cut off in its header": (cut_in_header, r"x\.safetensors is cut off"),
    "a renamed checkpoint": (pickled, r"x\.safetensors is no safetensors file: it is a pickle that was renamed"),
    "a renamed old pickle": (old_pickle, "is a pickle that was renamed"),
    "empty": (lambda path: path.write_bytes(b""), "it is empty"),
    "a web page": (lambda path: path.write_text("<!DOCTYPE html><html>…" + " " * 99), "it is a web page"),
    "a Git LFS pointer": (
        lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
        "Git LFS pointer",
    ),
    "noise": (lambda path: path.write_bytes(bytes(range(256)) * 4), "is no safetensors file"),
    "a header that lies": (
        lambda path: path.write_bytes((70).to_bytes(8, "little") + LYING_HEADER.ljust(70) + b"1234"),
        "'a' can't be read",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_bad_file(kind: str, tmp_path: Path) -> None:
    make, message = BAD[kind]
    make(tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match=message):
        read_weights(tmp_path / "x.safetensors")


def test_weights_are_read_as_safetensors_reads_them(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.torch")
    dtypes = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2]
    dtypes += [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
    weights = {f"w{index}": (torch.rand(3, 5) * 4).to(dtype) for index, dtype in enumerate(dtypes)}
    weights |= {"scalar": torch.tensor(2.5), "none": torch.zeros(0, 4)}
    library.save_file(weights, tmp_path / "all.safetensors", metadata={"about": "it"})
    found, metadata = read_weights(tmp_path / "all.safetensors")
    assert metadata == {"about": "it"}
    assert found.keys() == weights.keys()
    for name, value in weights.items():
        assert found[name].dtype == value.dtype
        assert found[name].shape == value.shape
        assert torch.equal(found[name].to(torch.float64), value.to(torch.float64))


def test_changing_what_was_read_leaves_the_file_alone(tmp_path: Path) -> None:
    good(tmp_path / "x.safetensors")
    before = (tmp_path / "x.safetensors").read_bytes()
    weights, _ = read_weights(tmp_path / "x.safetensors")
    weights["a.weight"].zero_()
    assert (tmp_path / "x.safetensors").read_bytes() == before


def test_pickles_are_read_only_where_the_user_allows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"state_dict": {"a.weight": torch.ones(2)}}, tmp_path / "x.ckpt")
    monkeypatch.delenv(ALLOW_PICKLE, raising=False)
    with pytest.raises(WeightsError, match=rf"x\.ckpt is a pickle.*{ALLOW_PICKLE}=1"):
        read_weights(tmp_path / "x.ckpt")
    monkeypatch.setenv(ALLOW_PICKLE, "1")
    assert torch.equal(read_weights(tmp_path / "x.ckpt")[0]["a.weight"], torch.ones(2))
    (tmp_path / "evil.ckpt").write_bytes(pickle.dumps(print))
    with pytest.raises(WeightsError, match="more than weights"):
        read_weights(tmp_path / "evil.ckpt")


def errors_of(prompt: dict[str, object]) -> str:
    """What the engine says on the first node, before or during the run."""
    registry = Registry()
    nodes.register_all(registry)
    engine = Engine(registry, EventBus(), folders.current())
    try:
        submission = engine.submit(prompt)
        if submission.node_errors:
            return str(submission.node_errors)
        return str(engine.wait(submission.prompt_id, timeout=60)["status"]["messages"])
    except Exception as error:
        return f"{error} {getattr(error, 'node_errors', '')}"
    finally:
        engine.shutdown()


def checkpoint_prompt(name: str) -> dict[str, object]:
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": name}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": "a cat"}},
        "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "4": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["1", 2]}},
        "5": {"class_type": "PreviewImage", "inputs": {"images": ["4", 0]}},
    }


def test_a_missing_file_is_answered_with_names_like_it(base: Path) -> None:
    (base / "models" / "checkpoints" / "xl").mkdir(parents=True)
    good(base / "models" / "checkpoints" / "xl" / "dreamshaper_8.safetensors")
    said = errors_of(checkpoint_prompt("dreamshaper-v8.safetensors"))
    assert "there is no file 'dreamshaper-v8.safetensors'" in said
    assert "like it: xl/dreamshaper_8.safetensors" in said
    assert "value_not_in_list" in said


def test_without_any_file_the_folder_is_named(base: Path) -> None:
    assert str(base / "models" / "checkpoints") in errors_of(checkpoint_prompt("sd15.safetensors"))


@pytest.mark.parametrize("kind", ["cut off", "a renamed checkpoint"])
def test_the_node_says_what_is_wrong_with_its_file(kind: str, base: Path) -> None:
    pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")
    (base / "models" / "checkpoints").mkdir(parents=True)
    make, _ = BAD[kind]
    make(base / "models" / "checkpoints" / "x.safetensors")
    said = errors_of(checkpoint_prompt("x.safetensors"))
    assert "execution_error" in said
    assert ("is cut off" if kind == "cut off" else "pickle that was renamed") in said


def test_a_lora_in_the_place_of_a_checkpoint(base: Path) -> None:
    pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")
    (base / "models" / "checkpoints").mkdir(parents=True)
    lora = {f"lora_unet_x{index}.lora_{part}.weight": torch.ones(2, 2) for index in range(4) for part in ("up", "down")}
    write_weights(lora, base / "models" / "checkpoints" / "x.safetensors")
    assert "x.safetensors is a LoRA, not a model" in errors_of(checkpoint_prompt("x.safetensors"))


def test_latents_of_another_family_and_tiny_images() -> None:
    from comfy_notebook.diffusion.coders import PixelCoder
    from comfy_notebook.diffusion.vae import VAE

    vae = VAE(PixelCoder())
    with pytest.raises(ValueError, match="latents of 3 channels, not of 16"):
        vae.decode(torch.zeros(1, 16, 8, 8))
    vae.coder.ratio = 8
    with pytest.raises(ValueError, match="smaller than one latent pixel"):
        vae.encode(torch.zeros(1, 4, 40, 3))


def test_a_file_that_could_not_be_written_whole_is_not_there(tmp_path: Path) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        write_weights({"a": torch.zeros(2), "b": "text"}, tmp_path / "x.safetensors")
    assert list(tmp_path.iterdir()) == []
