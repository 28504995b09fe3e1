"""Sounds and videos in the editor: what saving and previewing nodes made is played on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from comfy_notebook.widget import Editor

from .harness import OpenPage
from .test_editor import VIEW, session

pytest.importorskip("torch")
pytest.importorskip("av")

__all__ = ["session"]

PROMPT: dict[str, Any] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 128, "height": 96, "batch_size": 12, "color": 0x2A90AD}},
    "2": {"class_type": "EmptyAudio", "inputs": {"duration": 2.0, "sample_rate": 44100, "channels": 2}},
    "3": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": 12.0, "audio": ["2", 0]}},
    "4": {
        "class_type": "SaveVideo",
        "inputs": {"video": ["3", 0], "filename_prefix": "film", "format": "auto", "codec": "auto"},
    },
    "5": {"class_type": "SaveAudioMP3", "inputs": {"audio": ["2", 0], "filename_prefix": "tone", "quality": "V0"}},
    "6": {"class_type": "PreviewAudio", "inputs": {"audio": ["2", 0]}},
    "7": {
        "class_type": "SaveWEBM",
        "inputs": {"images": ["1", 0], "filename_prefix": "web", "codec": "vp9", "fps": 12.0, "crf": 30.0},
    },
}

PLAYERS = "[...document.querySelectorAll('.cn-players > *')]"


def test_results_are_played_on_their_nodes(session: Any, editor_page: OpenPage, tmp_path: Path) -> None:
    editor = Editor(PROMPT, name="media")
    with editor_page(editor, viewport={"width": 1500, "height": 1000}) as page:
        realm = page.editor()
        realm.wait_for_function(f"{VIEW}.serialize().nodes.length === 7")
        editor.run().result(timeout=120)
        ready = f"{PLAYERS}.length === 4 && {PLAYERS}.every(e => e.readyState > 0 || e.error)"
        realm.wait_for_function(ready, timeout=60_000)
        players = realm.evaluate(
            f"{PLAYERS}.map(e => [e.tagName, e.title, e.error?.message ?? null, e.duration, e.videoWidth ?? 0])"
        )
        page.page.wait_for_timeout(500)
        page.screenshot(tmp_path / "media.png")
        found = {title: (tag, width) for tag, title, _, _, width in players}
        assert [error for _, _, error, _, _ in players if error] == []
        assert found["film_00001_.mp4"] == ("VIDEO", 128)
        assert found["web_00001_.webm"] == ("VIDEO", 128)
        assert found["tone_00001_.mp3"][0] == "AUDIO"
        for _, title, _, duration, _ in players:
            assert duration == pytest.approx(1.0 if "film" in title or "web" in title else 2.0, abs=0.1), title
        assert page.errors == []


def test_chosen_files_are_fetched_when_somebody_plays_them(session: Any, editor_page: OpenPage, tmp_path: Path) -> None:
    from torch import full, zeros

    from comfy_notebook.nodes.ops.sounds import encode_audio
    from comfy_notebook.nodes.video import CreateVideo

    (tmp_path / "input" / "sub").mkdir(parents=True)
    CreateVideo().create(full((10, 64, 96, 3), 0.4), 10)[0].save_to(str(tmp_path / "input" / "sub" / "clip.mp4"))
    (tmp_path / "input" / "tone.flac").write_bytes(encode_audio(zeros(1, 8000), 8000, "flac", "", {}))
    prompt = {
        "1": {"class_type": "LoadVideo", "inputs": {"file": "sub/clip.mp4"}},
        "2": {"class_type": "LoadAudio", "inputs": {"audio": "tone.flac"}},
        "3": {"class_type": "LoadVideo", "inputs": {"file": "gone.mp4"}},
    }
    editor = Editor(prompt, name="chosen")
    with editor_page(editor) as page:
        realm = page.editor()
        for name in ("clip.mp4", "tone.flac"):
            button = realm.wait_for_selector(f".cn-players > button[aria-label='Play {name}']")
            assert button is not None
            if name == "clip.mp4":
                page.screenshot(tmp_path / "offered.png")
            button.click()
        realm.wait_for_function(f"{PLAYERS}.filter(e => e.duration === 1).length === 2")
        page.page.wait_for_timeout(400)
        page.screenshot(tmp_path / "playing.png")
        assert realm.evaluate(f"{PLAYERS}.map(e => e.tagName).sort()") == ["AUDIO", "BUTTON", "VIDEO"]
        gone = realm.wait_for_selector(".cn-players > button[aria-label='Play gone.mp4']")
        assert gone is not None
        gone.click()
        realm.wait_for_selector(".cn-players > video.cn-odd[title='gone.mp4 is not available']")
        editor[1].file = "other.mp4"  # the node has grown for its player meanwhile, which nobody edited
        realm.wait_for_selector(".cn-players > button[aria-label='Play other.mp4']")
        assert "$$player" not in str(realm.evaluate(f"{VIEW}.serialize()"))
        assert page.errors == []
