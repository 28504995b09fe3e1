"""Model files over HTTP, and where they are looked for."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp
import pytest
from PIL import Image

from comfy_notebook import folders as folder_module
from comfy_notebook.folders import Folders, UnsafePathError
from comfy_notebook.model_folders import ModelFolders
from comfy_notebook.session import Session


def safetensors(path: Path, metadata: dict[str, str] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = json.dumps({"__metadata__": metadata} if metadata else {}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return path


async def test_the_model_browser(pair: aiohttp.ClientSession, session: Session, tmp_path: Path) -> None:
    extra = tmp_path / "elsewhere"
    session.models.add("loras", extra)
    own = safetensors(session.folders.models / "loras" / "a" / "b.safetensors", {"ss": "1"})
    safetensors(extra / "c.safetensors")
    (extra / "notes.txt").write_text("no model")
    Image.new("RGB", (3, 2), (255, 0, 0)).save(own.with_suffix(".png"))
    kinds = await (await pair.get("/experiment/models")).json()
    loras = next(kind for kind in kinds if kind["name"] == "loras")
    assert loras["folders"] == [str(session.folders.models / "loras"), str(extra)]
    assert "configs" not in [kind["name"] for kind in kinds]
    listed = await (await pair.get("/experiment/models/loras")).json()
    assert [(model["name"], model["pathIndex"]) for model in listed] == [("a/b.safetensors", 0), ("c.safetensors", 1)]
    assert listed[0]["size"] == own.stat().st_size
    assert await (await pair.get("/models/loras")).json() == ["a/b.safetensors", "c.safetensors"]
    async with pair.get("/experiment/models/preview/loras/0/a/b.safetensors") as response:
        assert (response.status, response.content_type) == (200, "image/webp")
    assert await (await pair.get("/view_metadata/loras?filename=a/b.safetensors")).json() == {"ss": "1"}
    for path, status in [
        ("/experiment/models/nothing", 404),
        ("/experiment/models/preview/loras/0/c.safetensors", 404),
        ("/experiment/models/preview/loras/9/c.safetensors", 404),
        ("/experiment/models/preview/loras/-1/c.safetensors", 404),
        ("/experiment/models/preview/loras/0/..%2f..%2f..%2fx", 403),
        ("/experiment/models/preview/loras/0/%00", 400),
        ("/view_metadata/loras?filename=../x.safetensors", 403),
        ("/view_metadata/loras?filename=c.safetensors", 404),
    ]:
        assert (await pair.get(path)).status == status, path
    folders = await (await pair.get("/internal/folder_paths")).json()
    assert folders["loras"] == loras["folders"]


EXTRA = """
other:
    base_path: shared/models
    is_default: true
    checkpoints: checkpoints
    loras: |
        loras
        more/loras
    custom_nodes: ../packs
    unet: diffusion
absolute:
    vae: {vae}
empty:
"""


def test_extra_paths_are_relative_to_their_section_and_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config" / "extra.yaml"
    file.parent.mkdir()
    file.write_text(EXTRA.format(vae=tmp_path / "vae"))
    folders = ModelFolders(tmp_path / "models")
    assert folders.add_from_yaml(file) == [tmp_path / "config" / "shared" / "packs"]
    base = tmp_path / "config" / "shared" / "models"
    assert folders.roots("checkpoints")[:2] == [base / "checkpoints", tmp_path / "models" / "checkpoints"]
    assert set(folders.roots("loras")) == {base / "loras", base / "more" / "loras", tmp_path / "models" / "loras"}
    assert folders.roots("vae") == [tmp_path / "models" / "vae", tmp_path / "vae"]
    assert folders.roots("diffusion_models")[0] == folders.roots("unet")[0] == base / "diffusion"
    safetensors(base / "more" / "loras" / "x.safetensors")
    assert folders.path("loras", "x.safetensors") == base / "more" / "loras" / "x.safetensors"
    assert folders.path("loras", "y.safetensors") is None
    with pytest.raises(UnsafePathError):
        folders.path("loras", "../../x.safetensors")


@pytest.mark.parametrize("text", ["a: [", "- 1", "a: 3", "x"])
def test_a_file_that_lists_no_paths_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "extra.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"extra\.yaml"):
        ModelFolders(tmp_path).add_from_yaml(file)
    assert ModelFolders(tmp_path).kinds()


def test_the_file_of_extra_paths_in_the_working_folder_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "_current", folder_module._current)  # sessions replace it
    (tmp_path / "extra_model_paths.yaml").write_text(
        "comfy:\n  base_path: big\n  vae: models/vae\n  custom_nodes: packs\n"
    )
    session = Session(Folders(tmp_path))
    assert session.models.roots("vae") == [tmp_path / "models" / "vae", tmp_path / "big" / "models" / "vae"]
    assert session.pack_folders == [tmp_path / "custom_nodes", tmp_path / "big" / "packs"]
    (tmp_path / "extra_model_paths.yaml").write_text("a: [")
    session = Session(Folders(tmp_path))
    assert session.models.roots("vae") == [tmp_path / "models" / "vae"]
    assert "extra_model_paths.yaml is no valid YAML" in caplog.text


async def test_linked_models_are_models(pair: aiohttp.ClientSession, session: Session, tmp_path: Path) -> None:
    header = b'{"__metadata__": {"format": "pt"}}'
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "blob").write_bytes(len(header).to_bytes(8, "little") + header)
    folder = session.folders.models / "loras"
    folder.mkdir(parents=True)
    (folder / "linked.safetensors").symlink_to(tmp_path / "store" / "blob")
    assert await (await pair.get("/models/loras")).json() == ["linked.safetensors"]
    assert session.models.path("loras", "linked.safetensors") == folder.resolve() / "linked.safetensors"
    async with pair.get("/view_metadata/loras?filename=linked.safetensors") as response:
        assert await response.json() == {"format": "pt"}
    assert len(await (await pair.get("/experiment/models/loras")).json()) == 1
