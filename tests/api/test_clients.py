"""Client libraries written for ComfyUI run their usual flow against ``comfy-notebook serve``, as they are."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from .conftest import Served


def workflow() -> dict[str, Any]:
    """Load a picture, invert it, save it."""
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": "red.png"}, "_meta": {"title": "Load Image"}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}, "_meta": {"title": "Invert"}},
        "3": {
            "class_type": "SaveImage",
            "inputs": {"images": ["2", 0], "filename_prefix": "client"},
            "_meta": {"title": "Save Image"},
        },
    }


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere" / "red.png"
    path.parent.mkdir()
    Image.new("RGB", (16, 8), (255, 0, 0)).save(path)
    return path


def colour(data: bytes) -> Any:
    with Image.open(io.BytesIO(data)) as image:
        return image.getpixel((0, 0))


def test_comfy_api_simplified(serve: Callable[..., Served], picture: Path) -> None:
    simplified = pytest.importorskip("comfy_api_simplified")
    api = simplified.ComfyApiWrapper(serve().url)
    uploaded = api.upload_image(picture)
    graph = simplified.ComfyWorkflowWrapper(workflow())
    graph.set_node_param("Load Image", "image", f"{uploaded['subfolder']}/{uploaded['name']}")
    images = api.queue_and_wait_images(graph, "Save Image")
    assert {name: colour(data) for name, data in images.items()} == {"client_00001_.png": (0, 255, 255)}
    assert api.get_queue().keys() == {"queue_running", "queue_pending"}
    assert "LoadImage" in api.get_object_info()
    assert api.get_object_info("SaveImage")["SaveImage"]["output_node"] is True
    assert api.get_system_stats()["system"]["comfyui_version"]
    assert api.get_embeddings() == []
    api.interrupt()
    with pytest.raises(Exception, match="400"):
        api.queue_prompt({"1": {"class_type": "NoSuchNode", "inputs": {}}})


def test_comfy_headless(serve: Callable[..., Served], picture: Path, tmp_path: Path) -> None:
    headless = pytest.importorskip("comfy_headless")
    client = headless.ComfyClient(serve().url)
    assert client.is_online()
    stats = client.get_system_stats()
    assert stats is not None
    assert stats["system"]["ram_total"] > 0
    uploaded = client.upload_image(picture)
    assert uploaded["ref"] == "red.png"
    graph = workflow()
    assert client.check_workflow_dependencies(graph)["missing"] == []
    prompt_id = client.queue_prompt(graph)
    entry = client.wait_for_completion(prompt_id, timeout=60, poll_interval=0.1)
    assert entry["status"]["completed"] is True
    (saved,) = entry["outputs"]["3"]["images"]
    assert colour(client.get_image(saved["filename"], saved["subfolder"], saved["type"])) == (0, 255, 255)
    assert client.get_queue() == {"queue_running": [], "queue_pending": []}
    assert "ImageInvert" in client.get_all_installed_nodes()
    assert client.cancel_current()
    assert client.clear_queue()


async def test_comfy_headless_over_its_websocket(serve: Callable[..., Served]) -> None:
    pytest.importorskip("websockets")
    pytest.importorskip("httpx")
    websocket_client = pytest.importorskip("comfy_headless.websocket_client")
    slow = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 512, "height": 512, "batch_size": 1, "color": 255}},
        "2": {"class_type": "ImageBlur", "inputs": {"image": ["1", 0], "blur_radius": 15, "sigma": 2.0}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "slow"}},
    }
    async with websocket_client.ComfyWSClient(serve().url) as client:
        prompt_id = await client.queue_prompt(slow)
        progress = await client.wait_for_completion(prompt_id, timeout=90)
        assert progress.status == "completed"
        history = await client.get_history(prompt_id)
        (first, *_) = history[prompt_id]["outputs"]["3"]["images"]
        assert colour(await client.get_image(first["filename"])) == (0, 0, 255)


async def test_comfyui_async_api_tool(serve: Callable[..., Served], picture: Path) -> None:
    tool = pytest.importorskip("comfyui_async_api_tool")
    import aiohttp

    async with aiohttp.ClientSession() as http:
        server = serve().url.rstrip("/")
        client = tool.ComfyClient(http, servers=[server])
        uploaded = await client.upload_image(server, str(picture))
        told = [event async for event in client.run(workflow(), values={"1": {"image": uploaded["name"]}})]
    assert [event["type"] for event in told if event["type"] != "progress"] == ["start", "image"]
    assert colour(told[-1]["data"]) == (0, 255, 255)


def test_comfy_toolkit(serve: Callable[..., Served], picture: Path, tmp_path: Path) -> None:
    pytest.importorskip("websocket")
    toolkit = pytest.importorskip("comfy_toolkit")
    client = toolkit.ComfyClient(serve().url.rstrip("/"))
    assert client.is_online()
    (tmp_path / "input").mkdir(exist_ok=True)
    (tmp_path / "input" / "red.png").write_bytes(picture.read_bytes())
    result = client.submit_and_track(workflow(), on_progress=lambda done, total: None)
    assert (result["status"], result["filenames"]) == ("completed", ["client_00001_.png"])
    again = client.submit_and_track(workflow(), on_progress=lambda done, total: None)
    assert again["filenames"] == ["client_00001_.png"], "from the cache"
    assert client.queue_status() is not None
