"""The modules packs import, by what packs do with them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comfy_notebook import compat
from comfy_notebook import session as sessions
from comfy_notebook.engine import Event
from comfy_notebook.folders import Folders
from comfy_notebook.session import Session


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    compat.install()
    made = sessions.use(Session(Folders(base=tmp_path, temp=tmp_path / "temp")))
    compat.bind(made)
    yield made
    made.close()


def module(name: str) -> Any:
    return sys.modules[name]


def test_model_files(session: Session, tmp_path: Path) -> None:
    folder_paths = module("folder_paths")
    more = tmp_path / "more"
    for path in ("models/loras/b.safetensors", "models/loras/sub/a.pt", "models/loras/notes.txt", "more/c.safetensors"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"")
    assert folder_paths.get_filename_list("loras") == ["b.safetensors", "sub/a.pt"]
    assert folder_paths.get_filename_list("vae") == []
    folder_paths.add_model_folder_path("loras", str(more))
    folder_paths.add_model_folder_path("mine", str(more))
    assert folder_paths.get_filename_list("loras") == ["b.safetensors", "c.safetensors", "sub/a.pt"]
    assert folder_paths.get_filename_list("mine") == ["c.safetensors"]
    assert session.models.files("loras") == ["b.safetensors", "c.safetensors", "sub/a.pt"]
    assert "mine" in session.models.kinds()
    assert folder_paths.get_full_path("loras", "sub/a.pt") == str(tmp_path / "models/loras/sub/a.pt")
    assert folder_paths.get_full_path("loras", "../../secret") is None
    assert folder_paths.get_full_path("nothing", "x") is None
    assert folder_paths.get_folder_paths("unet") == folder_paths.get_folder_paths("diffusion_models")
    with pytest.raises(FileNotFoundError, match="no loras file"):
        folder_paths.get_full_path_or_raise("loras", "gone.pt")
    with pytest.raises(KeyError):
        folder_paths.get_filename_list("nothing")


def test_folders_of_files(session: Session, tmp_path: Path) -> None:
    folder_paths = module("folder_paths")
    assert folder_paths.output_directory == folder_paths.get_output_directory() == str(tmp_path / "output")
    assert Path(folder_paths.__file__).parent == tmp_path
    assert folder_paths.get_annotated_filepath("a.png [output]") == str(tmp_path / "output/a.png")
    assert folder_paths.get_annotated_filepath("a.png") == str(tmp_path / "input/a.png")
    assert folder_paths.get_directory_by_type("nothing") is None
    assert not folder_paths.exists_annotated_filepath("a.png")
    folder, name, counter, subfolder, prefix = folder_paths.get_save_image_path(
        "s/%width%", str(tmp_path / "output"), 8, 4
    )
    assert (Path(folder), name, counter, subfolder, prefix) == (tmp_path / "output/s", "8", 1, "s", "s/8")
    with pytest.raises(ValueError, match="outside"):
        folder_paths.get_save_image_path("../x", str(tmp_path / "output"))


def test_the_mappings_are_the_registry(session: Session) -> None:
    nodes = module("nodes")
    assert nodes.NODE_CLASS_MAPPINGS["SaveImage"] is nodes.SaveImage
    assert isinstance(nodes.NODE_CLASS_MAPPINGS, dict)

    class Mine:
        INPUT_TYPES = classmethod(lambda cls: {"required": {}})
        RETURN_TYPES = ("INT",)
        FUNCTION = "run"

        def run(self) -> tuple[int]:
            return (3,)

    nodes.NODE_CLASS_MAPPINGS["Mine"] = Mine
    assert "Mine" in session.registry
    assert nodes.NODE_DISPLAY_NAME_MAPPINGS["Mine"] == "Mine"
    del nodes.NODE_CLASS_MAPPINGS["Mine"]
    assert "Mine" not in session.registry
    assert nodes.MAX_RESOLUTION == 16384
    assert nodes.ImageScale.upscale_methods == ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"]


def test_progress_bars_reach_the_node_and_the_hook(session: Session) -> None:
    utils = module("comfy.utils")
    bar = utils.ProgressBar(3)  # outside a run: harmless
    bar.update(2)
    bar.update(2)
    assert (bar.current, bar.total) == (3, 3)
    told: list[Any] = []
    utils.set_progress_bar_global_hook(lambda *arguments: told.append(arguments))
    try:
        utils.ProgressBar(5).update_absolute(2, 8, None)
    finally:
        utils.set_progress_bar_global_hook(utils.report_progress)
    assert told == [(2, 8, None)]


def test_tiles_cover_and_blend(session: Session) -> None:
    import torch

    utils = module("comfy.utils")
    ramp = torch.linspace(0, 1, 40).expand(1, 3, 30, 40)
    bar = utils.ProgressBar(utils.get_tiled_scale_steps(40, 30, 16, 16, 4))

    def double(tile: Any) -> Any:
        return tile.repeat_interleave(2, -1).repeat_interleave(2, -2)

    made = utils.tiled_scale(ramp, double, 16, 16, 4, upscale_amount=2, pbar=bar)
    torch.testing.assert_close(made, double(ramp))
    assert bar.current == bar.total == 9


def test_tensor_helpers(session: Session) -> None:
    import torch

    utils = module("comfy.utils")
    image = torch.arange(12.0).reshape(1, 1, 3, 4)
    assert utils.common_upscale(image, 8, 6, "nearest-exact", "disabled").shape == (1, 1, 6, 8)
    assert utils.repeat_to_batch_size(torch.arange(2), 5).tolist() == [0, 1, 0, 1, 0]
    assert utils.resize_to_batch_size(torch.arange(5), 3).tolist() == [0, 2, 4]
    weights = {"a.x": 1, "a.y": 2, "b": 3}
    assert utils.state_dict_prefix_replace(weights, {"a.": "c."}, filter_keys=True) == {"c.x": 1, "c.y": 2}
    layer = torch.nn.Sequential(torch.nn.Linear(1, 1))
    before = utils.set_attr(layer, "0.weight", torch.nn.Parameter(torch.tensor([[5.0]])))
    assert before.shape == (1, 1)
    assert float(utils.get_attr(layer, "0.weight").detach()) == 5.0


def test_functions_of_extra_nodes(session: Session) -> None:
    import torch
    from comfy_extras.nodes_mask import MaskComposite, composite  # type: ignore[import-not-found]
    from comfy_extras.nodes_post_processing import gaussian_kernel  # type: ignore[import-not-found]

    built_in = session.registry.get("MaskComposite")
    assert built_in is not None
    assert MaskComposite is built_in.node_class
    laid = composite(torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 2, 2), 8, 16)
    assert laid[0, 0].nonzero().tolist() == [[2, 1], [2, 2], [3, 1], [3, 2]]
    assert float(gaussian_kernel(5, 0.5).sum()) == pytest.approx(1.0)


def test_devices(session: Session) -> None:
    import torch

    management = module("comfy.model_management")
    assert isinstance(management.get_torch_device(), torch.device)
    assert management.intermediate_device() == torch.device("cpu")
    assert management.get_free_memory(torch.device("cpu")) > 0
    management.soft_empty_cache()
    management.throw_exception_if_processing_interrupted()
    assert issubclass(management.OOM_EXCEPTION, RuntimeError)
    assert management.unet_dtype(torch.device("cpu")) == torch.float32


def test_conditioning_is_copied_on_write(session: Session) -> None:
    helpers = module("node_helpers")
    old = [["tensor", {"a": 1, "l": [1]}]]
    assert helpers.conditioning_set_values(old, {"a": 2}) == [["tensor", {"a": 2, "l": [1]}]]
    assert helpers.conditioning_set_values(old, {"l": [2]}, append=True)[0][1]["l"] == [1, 2]
    assert old == [["tensor", {"a": 1, "l": [1]}]]


def test_types_that_match(session: Session) -> None:
    io = module("comfy.comfy_types").IO
    assert not (io.ANY != "IMAGE")  # noqa: SIM202
    assert io.IMAGE != "MASK"
    assert not (io.NUMBER != "INT")  # noqa: SIM202
    assert str(io.ANY) == "*"
    match = module("comfy_execution.validation").validate_node_input
    assert [match("INT", "INT,FLOAT"), match("INT,STRING", "INT", True), match("MASK", "*"), match("A", "B")] == [
        True,
        False,
        True,
        False,
    ]


def test_previews_through_send_sync(session: Session) -> None:
    from PIL import Image

    server = module("server")
    events: list[Event] = []
    session.bus.subscribe(events.append)
    picture = Image.fromarray(np.full((40, 80, 4), 200, np.uint8))
    server.PromptServer.instance.send_sync(
        server.BinaryEventTypes.UNENCODED_PREVIEW_IMAGE, ("JPEG", picture, 20), "browser"
    )
    [event] = events
    assert (event.type, event.client_id, event.data["image_type"]) == (
        "b_preview_with_metadata",
        "browser",
        "image/jpeg",
    )
    assert event.buffers[0][:2] == b"\xff\xd8"


def test_the_queue_as_packs_see_it(session: Session) -> None:
    queue = module("server").PromptServer.instance.prompt_queue
    prompt = {"1": {"class_type": "PreviewAny", "inputs": {"source": "x"}}}
    queue.put((0, "1b4e28ba-2fa1-11d2-883f-0016d3cca427", prompt, {"client_id": "me"}, ["1"]))
    session.engine.wait("1b4e28ba-2fa1-11d2-883f-0016d3cca427", 30)
    assert list(queue.get_history(max_items=1)) == ["1b4e28ba-2fa1-11d2-883f-0016d3cca427"]
    assert queue.get_tasks_remaining() == 0
    assert queue.currently_running == {}


@pytest.mark.parametrize(
    ("size", "tile", "overlap"), [((13, 20), (8, 8), 2), ((9, 11), (6, 4), 3), ((5, 7), (8, 8), 4)]
)
def test_tiles_lie_and_weigh_as_in_comfyui(
    session: Session, size: tuple[int, int], tile: tuple[int, int], overlap: int
) -> None:
    """Every ``tile - overlap`` pixels, the last one cut off; each edge fades in over the overlap."""
    import torch

    def weights(length: int) -> Any:
        made = np.ones(length)
        for step in range(overlap if overlap < length else 0):
            made[step] *= (step + 1) / overlap
            made[length - 1 - step] *= (step + 1) / overlap
        return made

    def starts(length: int, part: int) -> range:
        return range(0, length - overlap, part - overlap) if length > part else range(1)

    calls = []

    def numbered(part: Any) -> Any:
        calls.append(tuple(part.shape[2:]))
        return torch.full_like(part, float(len(calls)))

    found = module("comfy.utils").tiled_scale_multidim(
        torch.zeros(1, 1, *size), numbered, tile, overlap, upscale_amount=1, out_channels=1
    )
    total, weight, number = np.zeros(size), np.zeros(size), 0
    for top in starts(size[0], tile[0]):
        for left in starts(size[1], tile[1]):
            number += 1
            height, width = min(tile[0], size[0] - top), min(tile[1], size[1] - left)
            assert calls[number - 1] == (height, width)
            share = np.outer(weights(height), weights(width))
            total[top : top + height, left : left + width] += number * share
            weight[top : top + height, left : left + width] += share
    assert np.abs(found[0, 0].numpy() - total / weight).max() < 1e-5
