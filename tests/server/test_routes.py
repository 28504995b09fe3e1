"""Every route of ComfyUI's API, with and without ``/api``: status, form of the answer, methods."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
import pytest

from comfy_notebook.session import Session

from .conftest import SAY_SHOW, finished

UNKNOWN = "6f0c2f6e-7c1b-4a52-8b51-2f9a3b1f0c11"
ITEM = {"outputs", "meta", "prompt", "status"}
INFO = {"input", "input_order", "output", "output_is_list", "output_name", "name", "display_name", "description",
        "python_module", "category", "output_node"}  # fmt: skip
STATS = {"os", "ram_total", "ram_free", "comfyui_version", "required_frontend_version", "python_version",
         "installed_templates_version", "required_templates_version", "pytorch_version", "embedded_python",
         "argv"}  # fmt: skip
DEVICE = {"name", "type", "index", "vram_total", "vram_free", "torch_vram_total", "torch_vram_free"}


def texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def describes_a_machine(told: dict[str, Any]) -> bool:
    return told["system"].keys() >= STATS and told["devices"][0].keys() >= DEVICE


#: (method, path, body, status, what the answer must be: a value, a set of keys it has, or a test).
ROUTES: list[tuple[str, str, Any, int, Any]] = [
    ("GET", "/prompt", None, 200, {"exec_info": {"queue_remaining": 0}}),
    ("GET", "/queue", None, 200, {"queue_running": [], "queue_pending": []}),
    ("POST", "/queue", {"clear": True}, 200, ""),
    ("POST", "/queue", {"delete": [UNKNOWN]}, 200, ""),
    ("POST", "/interrupt", None, 200, ""),
    ("POST", "/interrupt", {"prompt_id": UNKNOWN}, 200, ""),
    ("GET", "/history", None, 200, lambda items: all(item.keys() >= ITEM for item in items.values())),
    ("GET", "/history?max_items=1", None, 200, lambda items: len(items) == 1),
    ("GET", "/history?max_items=1&offset=5", None, 200, {}),
    ("GET", "/history/{done}", None, 200, lambda items: all(item.keys() >= ITEM for item in items.values())),
    ("GET", f"/history/{UNKNOWN}", None, 200, {}),
    ("POST", "/history", {"delete": [UNKNOWN]}, 200, ""),
    ("GET", "/object_info", None, 200, lambda found: {"Say", "LoadImage"} <= found.keys()),
    ("GET", "/object_info/Say", None, 200, lambda found: found["Say"].keys() >= INFO),
    ("GET", "/object_info/Nope", None, 200, {}),
    ("GET", "/embeddings", None, 200, []),
    ("GET", "/models", None, 200, lambda kinds: texts(kinds) and {"checkpoints", "loras", "vae"} <= set(kinds)),
    ("GET", "/models/loras", None, 200, []),
    ("GET", "/models/nope", None, 404, None),
    ("GET", "/experiment/models", None, 200, lambda kinds: all(kind.keys() == {"name", "folders"} for kind in kinds)),
    ("GET", "/experiment/models/loras", None, 200, []),
    ("GET", "/view_metadata/loras?filename=x.safetensors", None, 404, None),
    ("GET", "/extensions", None, 200, texts),
    ("GET", "/system_stats", None, 200, describes_a_machine),
    ("GET", "/features", None, 200, {"supports_preview_metadata", "max_upload_size", "node_replacements", "assets"}),
    ("POST", "/free", {"unload_models": True, "free_memory": True}, 200, ""),
    ("POST", "/free", None, 200, ""),
    ("GET", "/settings", None, 200, dict),
    ("POST", "/settings", {"a.b": 1}, 200, ""),
    ("GET", "/settings/a.b", None, 200, None),
    ("GET", "/users", None, 200, {"storage", "migrated"}),
    ("POST", "/users", {"username": "x"}, 503, {"error"}),
    ("GET", "/userdata?dir=none", None, 404, None),
    ("GET", "/userdata", None, 400, None),
    ("GET", "/v2/userdata", None, 200, list),
    ("GET", "/v2/userdata?path=none", None, 404, None),
    ("POST", "/userdata/x%2Fy.json", {"a": 1}, 200, "x/y.json"),
    ("GET", "/userdata/none.json", None, 404, None),
    ("DELETE", "/userdata/none.json", None, 404, None),
    ("POST", "/userdata/none.json/move/b.json", None, 404, None),
    ("GET", "/workflow_templates", None, 200, dict),
    ("GET", "/templates/index.json", None, 200, list),
    ("GET", "/templates/none.json", None, 404, None),
    ("GET", "/docs/None/en.md", None, 404, None),
    ("GET", "/i18n", None, 200, dict),
    ("GET", "/global_subgraphs", None, 200, {}),
    ("GET", "/global_subgraphs/x", None, 404, None),
    ("GET", "/node_replacements", None, 200, {}),
    ("GET", "/jobs", None, 200, {"jobs", "pagination"}),
    ("GET", "/jobs/{done}", None, 200, {"id", "status", "outputs", "execution_status", "workflow", "outputs_count"}),
    ("GET", f"/jobs/{UNKNOWN}", None, 404, None),
    ("POST", "/jobs/{done}/cancel", None, 200, {"cancelled": False}),
    ("POST", "/jobs/cancel", {"job_ids": [UNKNOWN]}, 200, {"cancelled": False}),
    ("GET", "/internal/logs", None, 200, lambda text: isinstance(text, str)),
    ("GET", "/internal/logs/raw", None, 200, {"entries", "size"}),
    ("PATCH", "/internal/logs/subscribe", {"clientId": "x", "enabled": True}, 200, ""),
    ("GET", "/internal/folder_paths", None, 200, lambda found: all(texts(paths) for paths in found.values())),
    ("GET", "/internal/files/output", None, 200, texts),
    ("GET", "/internal/files/nope", None, 400, None),
    ("GET", "/assets", None, 503, lambda told: told["error"]["code"] == "SERVICE_DISABLED"),
    ("POST", "/tags/x", {}, 503, lambda told: told["error"]["code"] == "SERVICE_DISABLED"),
    ("GET", "/credentials", None, 503, lambda told: told["error"]["code"] == "SERVICE_DISABLED"),
    ("GET", "/view", None, 400, None),
    ("GET", "/view?filename=none.png", None, 404, None),
    ("GET", "/ws", None, 400, None),
    ("GET", "/nothing", None, 404, None),
]  # fmt: skip


def matches(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, type):
        return isinstance(value, wanted)
    if isinstance(wanted, set):
        return wanted <= value.keys()
    return bool(wanted(value)) if callable(wanted) else bool(value == wanted)


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_every_route(pair: aiohttp.ClientSession, prefix: str) -> None:
    done = (await (await pair.post("/prompt", json={"prompt": SAY_SHOW})).json())["prompt_id"]
    await finished(pair, done)
    for method, path, body, status, wanted in ROUTES:
        url = prefix + path.replace("{done}", done)
        async with pair.request(method, url, json=body) as response:
            told = await response.text()
            assert response.status == status, (method, url, told)
            if told:
                assert response.content_type == "application/json", (method, url)
            answer = await response.json() if told else ""
        if wanted is not None:
            assert matches(answer, wanted), (method, url, answer)
        elif status >= 400:
            assert answer["error"].keys() == {"type", "message", "details", "extra_info"}, (method, url)
            assert answer["error"]["message"]
            assert answer["node_errors"] == {}


async def test_head_options_and_wrong_methods(client: aiohttp.ClientSession) -> None:
    for path in ("/", "/prompt", "/queue", "/history", "/object_info", "/system_stats", "/api/settings"):
        async with client.head(path) as response:
            assert (response.status, await response.read()) == (200, b""), path
        async with client.options(path) as response:
            assert response.status == 200, path
            assert "GET" in response.headers["Allow"]
        async with client.request("PUT", path) as response:
            assert response.status == 405, path
            assert "GET" in response.headers["Allow"]
            assert (await response.json())["error"]["type"] == "method_not_allowed"


async def test_help_of_a_node_without_an_installed_page(pair: aiohttp.ClientSession) -> None:
    async with pair.get("/docs/ImageScale/en.md") as response:
        assert (response.status, response.content_type) == (200, "text/markdown")
        text = await response.text()
    assert re.search(r"^# .+$", text, re.MULTILINE)
    assert "| width | INT |" in text
    assert "| upscale_method | COMBO |" in text


async def test_prompt_ids_are_taken_once(pair: aiohttp.ClientSession) -> None:
    body = {"prompt": SAY_SHOW, "prompt_id": UNKNOWN.upper()}
    assert (await (await pair.post("/prompt", json=body)).json())["prompt_id"] == UNKNOWN.upper()
    await finished(pair, UNKNOWN.upper())
    async with pair.post("/prompt", json=body) as response:
        assert (response.status, (await response.json())["error"]["type"]) == (409, "invalid_prompt_id")
    await pair.post("/history", json={"clear": True})
    async with pair.post("/prompt", json={**body, "prompt_id": UNKNOWN.replace("-", "")}) as response:
        assert (response.status, (await response.json())["error"]["type"]) == (400, "invalid_prompt_id")


@pytest.mark.parametrize(
    ("number", "wanted"),
    [(3, 3.0), (-2.5, -2.5), ("4", 4.0), (None, 0), (True, None), ([], None), ("x", None), (10**400, None),
     (float("nan"), None), (float("inf"), None)],
)  # fmt: skip
async def test_places_in_the_queue(pair: aiohttp.ClientSession, number: Any, wanted: float | None) -> None:
    async with pair.post("/prompt", json={"prompt": SAY_SHOW, "number": number}) as response:
        answer = await response.json()
        assert response.status == (400 if wanted is None else 200), answer
    assert wanted is None or answer["number"] == wanted


async def test_credentials_are_shown_to_nobody(pair: aiohttp.ClientSession, session: Session) -> None:
    secrets = {"auth_token_comfy_org": "hush1", "api_key_comfy_org": "hush2"}
    slow = {"1": {"class_type": "Steps", "inputs": {"steps": 500, "seed": 1}},
            "2": {"class_type": "Show", "inputs": {"text": ["1", 0]}}}  # fmt: skip
    ids = []
    for _ in range(2):
        async with pair.post("/prompt", json={"prompt": slow, "extra_data": secrets}) as response:
            ids.append((await response.json())["prompt_id"])
    await pair.post("/jobs/cancel", json={"job_ids": ids[1:]})
    told = [await (await pair.get(path)).text() for path in ("/queue", f"/jobs/{ids[0]}", f"/jobs/{ids[1]}", "/jobs")]
    session.engine.interrupt()
    await finished(pair, ids[0])
    told += [await (await pair.get(path)).text() for path in ("/history", f"/jobs/{ids[0]}")]
    assert all(ids[0] in text or ids[1] in text for text in told)
    assert not any("hush" in text for text in told)
