"""Every audio and video node is declared as ComfyUI declares it."""

from __future__ import annotations

from typing import Any

import pytest
from test_image_declarations import DATA, SIGNATURES, infos, without_texts

__all__ = ["infos"]

LISTED = [
    "CreateVideo",
    "EmptyAudio",
    "GetVideoComponents",
    "LoadAudio",
    "LoadVideo",
    "PreviewAudio",
    "SaveAudio",
    "SaveAudioMP3",
    "SaveAudioOpus",
    "SaveVideo",
    "SaveWEBM",
    "TrimAudioDuration",
    "AudioAdjustVolume",
    "AudioConcat",
    "AudioMerge",
    "SplitAudioChannels",
    "RecordAudio",
]


@pytest.mark.skipif(not DATA["nodes"], reason=f"the signatures are not here: {SIGNATURES}")
@pytest.mark.parametrize("name", LISTED)
def test_declared_like_the_reference(name: str, infos: dict[str, dict[str, Any]]) -> None:
    expected, info = DATA["nodes"][name], infos[name]
    for section in ("required", "optional"):
        declared, wanted = info["input"].get(section, {}), expected.get(section, {})
        assert list(declared) == list(wanted)
        for key, spec in wanted.items():
            assert without_texts(declared[key]) == without_texts(spec)
    assert list(info["input"].get("hidden", {})) == expected.get("hidden", [])
    for part in ("output", "output_name", "category"):
        assert info[part] == expected[part]
    assert info["display_name"] == (expected["display_name"] or name)
    assert info["output_node"] == expected.get("output_node", False)
    assert info.get("experimental", False) == expected.get("experimental", False)


NEWER = {
    "SaveAudioAdvanced": (["audio", "filename_prefix", "format"], ["AUDIO"]),
    "JoinAudioChannels": (["audio_left", "audio_right"], ["AUDIO"]),
    "Video Slice": (["video", "start_time", "duration", "strict_duration"], ["VIDEO"]),
}


@pytest.mark.parametrize("name", NEWER)
def test_newer_nodes_have_the_inputs_that_workflows_use(name: str, infos: dict[str, dict[str, Any]]) -> None:
    assert (list(infos[name]["input"]["required"]), infos[name]["output"]) == NEWER[name]
