"""Settings and files of the user."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from comfy_notebook.session import Session


async def test_settings_merge_and_survive_a_broken_file(client: aiohttp.ClientSession, session: Session) -> None:
    assert await (await client.get("/settings")).json() == {}
    await client.post("/settings", json={"a": 1, "b": [2]})
    await client.post("/settings/c", json=False)
    assert await (await client.get("/settings")).json() == {"a": 1, "b": [2], "c": False}
    assert await (await client.get("/settings/b")).json() == [2]
    assert await (await client.get("/settings/none")).json() is None
    assert (await client.post("/settings", data=b"[]")).status == 400
    (session.folders.user / "default/comfy.settings.json").write_text("{broken")
    assert await (await client.get("/settings")).json() == {}


async def test_thirty_settings_at_once_all_count(pair: aiohttp.ClientSession) -> None:
    await asyncio.gather(*(pair.post(f"/settings/s{number}", json=number) for number in range(30)))
    assert await (await pair.get("/settings")).json() == {f"s{number}": number for number in range(30)}


async def test_files_are_stored_listed_moved_and_deleted(client: aiohttp.ClientSession) -> None:
    put = await client.post("/userdata/workflows%2Fa%20b.json", data=b"{}")
    assert (put.status, await put.json()) == (200, "workflows/a b.json")
    assert (await client.post("/userdata/workflows%2Fa%20b.json?overwrite=false", data=b"x")).status == 409
    assert await (await client.get("/userdata/workflows%2Fa%20b.json")).read() == b"{}"
    assert await (await client.get("/userdata?dir=workflows&recurse=true")).json() == ["a b.json"]
    info = await (await client.get("/userdata?dir=workflows&recurse=true&full_info=true")).json()
    assert (info[0]["path"], info[0]["size"]) == ("a b.json", 2)
    split = await (await client.get("/userdata?dir=workflows&recurse=true&split=true")).json()
    assert split == [["a b.json", "a b.json"]]
    moved = await client.post("/userdata/workflows%2Fa%20b.json/move/workflows%2Fdeep%2Fc.json")
    assert await moved.json() == "workflows/deep/c.json"
    listed = await (await client.get("/v2/userdata?path=workflows")).json()
    assert listed == [{"name": "deep", "path": "workflows/deep", "type": "directory"}]
    assert (await client.delete("/userdata/workflows%2Fdeep%2Fc.json")).status == 204
    assert (await client.get("/userdata/workflows%2Fdeep%2Fc.json")).status == 404


async def test_overwriting_and_what_is_listed(pair: aiohttp.ClientSession, session: Session) -> None:
    assert await (await pair.get("/v2/userdata")).json() == []
    for name, query, status in [
        ("a.json", "", 200), ("a.json", "", 200), ("a.json", "?overwrite=true", 200),
        ("a.json", "?overwrite=false", 409), ("b.part", "?overwrite=false", 200),
        ("c%2Fd%2Fe.json", "", 200), (".index.json", "", 200),
    ]:  # fmt: skip
        async with pair.post(f"/userdata/{name}{query}", data=b"{}") as response:
            assert response.status == status, (name, query)
    async with pair.get("/userdata/a.json") as response:
        assert await response.json() == {}, "clients may read it as what it is"
    (session.folders.user / "default" / ".a.json.123.part").write_text("half")
    listed = await (await pair.get("/v2/userdata")).json()
    assert [(entry["path"], entry["type"]) for entry in listed] == [
        (".index.json", "file"), ("a.json", "file"), ("b.part", "file"), ("c", "directory"),
    ]  # fmt: skip
    assert await (await pair.get("/userdata?dir=c&recurse=true&split=true")).json() == [["d/e.json", "d", "e.json"]]
    assert await (await pair.get("/userdata?dir=c")).json() == []
    info = await (await pair.post("/userdata/a.json?full_info=true", data=b"12345")).json()
    assert (info["path"], info["size"]) == ("a.json", 5)
    assert (await pair.post("/userdata/a.json/move/b.part?overwrite=false")).status == 409
    assert await (await pair.post("/userdata/a.json/move/b.part")).json() == "b.part"


@pytest.mark.parametrize("path", ["..%2Fsecret", "a%2F..%2F..%2F..%2Fsecret", "%2Fetc%2Fpasswd"])
async def test_paths_stay_below_the_user(pair: aiohttp.ClientSession, session: Session, path: str) -> None:
    assert (await pair.get(f"/userdata/{path}")).status == 403
    assert (await pair.post(f"/userdata/{path}", data=b"x")).status == 403
    assert (await pair.get(f"/userdata?dir={path}")).status == 403
    assert not list(session.folders.base.rglob("secret"))


async def test_models_and_their_metadata(pair: aiohttp.ClientSession, session: Session) -> None:
    folder = session.folders.models / "loras"
    (folder / "sub").mkdir(parents=True)
    header = b'{"__metadata__": {"format": "pt"}}'
    (folder / "sub" / "a.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    (folder / "notes.txt").write_text("x")
    assert "loras" in await (await pair.get("/models")).json()
    assert await (await pair.get("/models/loras")).json() == ["sub/a.safetensors"]
    assert (await pair.get("/models/nope")).status == 404
    assert (await pair.get("/models/..%2Fuser")).status == 404
    found = await pair.get("/view_metadata/loras", params={"filename": "sub/a.safetensors"})
    assert await found.json() == {"format": "pt"}
    outside = await pair.get("/view_metadata/loras", params={"filename": "../../x.safetensors"})
    assert outside.status == 403


async def test_asking_for_stats_loads_no_torch(pair: aiohttp.ClientSession) -> None:
    stats = await (await pair.get("/system_stats")).json()
    assert stats["system"]["ram_total"] > 0
    assert stats["system"]["python_version"]
    assert stats["devices"][0]["vram_total"] > 0
