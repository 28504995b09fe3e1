"""The model that paints pixels in patches: what the training script saves is what the nodes load."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("transformers")
TRAINING = Path(__file__).parents[2] / "training"
CAPTIONS = ["red heart", "cat face"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any, Path]]:
    """A network of random half-precision weights, its tokens, and the checkpoint of both."""
    sys.path.insert(0, str(TRAINING))
    try:
        from emoji_network import TextToPatches, Tokens, save_checkpoint

        torch.manual_seed(1)
        tokens = Tokens(CAPTIONS)
        network = TextToPatches(len(tokens)).eval().requires_grad_(False)
        for parameter in network.parameters():
            parameter.data = parameter.data.half().float()
        path = tmp_path_factory.mktemp("checkpoints") / "tiny.safetensors"
        save_checkpoint(network, tokens, path)
        yield network, tokens, path
    finally:
        sys.path.remove(str(TRAINING))


@pytest.fixture(scope="module")
def loaded(trained: tuple[Any, Any, Path]) -> Any:
    from comfy_notebook.diffusion.checkpoints.load import load_checkpoint

    return load_checkpoint(trained[2])


@pytest.mark.parametrize("prompt", ["red heart", "cat", "", "a word that no caption has: cat"])
def test_text_and_network_are_those_that_were_trained(trained: Any, loaded: Any, prompt: str) -> None:
    network, tokens, _ = trained
    text = loaded.clip.encode_from_tokens(loaded.clip.tokenize(prompt))
    text = text[0] if isinstance(text, tuple) else text
    rows = torch.tensor([tokens.rows(prompt)])
    assert torch.allclose(text, network.text(input_ids=rows).last_hidden_state, atol=1e-4)
    noisy, sigma = torch.randn(1, 48, 16, 16, generator=torch.manual_seed(2)) * 3, torch.tensor([3.0])
    timestep = loaded.model.model.model_sampling.timestep(sigma)
    clean = network(rows, noisy / (sigma**2 + 1) ** 0.5, timestep)
    assert torch.allclose(loaded.model.model.apply_model(noisy, sigma, c_crossattn=text), clean, atol=1e-3)


def test_pixels_go_into_patches_and_back(loaded: Any) -> None:
    image = torch.rand(2, 64, 32, 3, generator=torch.manual_seed(3))
    latent = loaded.vae.encode(image)
    assert latent.shape == (2, 48, 16, 8)
    assert torch.allclose(loaded.vae.decode(latent), image, atol=1e-5)


def test_the_preview_is_the_picture(loaded: Any) -> None:
    from comfy_notebook.diffusion.sampling.previews import get_previewer

    image = torch.rand(1, 32, 64, 3, generator=torch.manual_seed(3))
    latent = torch.nn.functional.pixel_unshuffle(image.movedim(-1, 1) * 2 - 1, 4)
    previewer = get_previewer("cpu", loaded.model.model.latent_format)
    assert previewer is not None
    shown = previewer.decode_latent_to_preview(latent)
    assert shown.size == (64, 32)
    made = torch.frombuffer(bytearray(shown.tobytes()), dtype=torch.uint8).view(32, 64, 3) / 255
    assert torch.allclose(made, image[0], atol=1.01 / 255)


def test_a_saved_checkpoint_is_loaded_again_with_its_patches(trained: Any, loaded: Any, tmp_path: Path) -> None:
    from comfy_notebook import folders
    from comfy_notebook.diffusion.checkpoints.load import load_checkpoint
    from comfy_notebook.nodes.model_save import CheckpointSave

    before = folders.current()
    folders.use(folders.Folders(base=tmp_path))
    try:
        CheckpointSave().save(loaded.model, loaded.clip, loaded.vae, "checkpoints/tiny")
    finally:
        folders.use(before)
    again = load_checkpoint(tmp_path / "output" / "checkpoints" / "tiny_00001_.safetensors")
    image = torch.rand(1, 64, 32, 3, generator=torch.manual_seed(3))
    assert torch.equal(again.vae.encode(image), loaded.vae.encode(image))
    tokens = loaded.clip.tokenize("red heart")
    assert torch.equal(again.clip.encode_from_tokens(tokens), loaded.clip.encode_from_tokens(tokens))
