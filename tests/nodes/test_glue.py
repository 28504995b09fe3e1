"""Primitives, strings, switches and maths against closed forms."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from comfy_notebook import folders
from comfy_notebook.nodes import logic, math, primitive, regex, text

NODES = {**primitive.NODES, **text.NODES, **regex.NODES, **math.NODES, **logic.NODES}


def run(name: str, **inputs: Any) -> Any:
    node = NODES[name][0]
    return getattr(node(), node.FUNCTION)(**inputs)


RESULTS = [
    ("PrimitiveInt", {"value": -7}, (-7,)),
    ("PrimitiveFloat", {"value": 0.25}, (0.25,)),
    ("PrimitiveBoolean", {"value": True}, (True,)),
    ("PrimitiveString", {"value": "a b"}, ("a b",)),
    ("PrimitiveStringMultiline", {"value": "a\nb"}, ("a\nb",)),
    ("SeedNode", {"seed": 2**63 - 1}, (2**63 - 1,)),
    ("CustomCombo", {"choice": "Turbo", "index": 2}, ("Turbo", 2)),
    ("CustomCombo", {"choice": "b", "index": 0, "option1": "a", "option2": "b"}, ("b", 1)),
    ("StringConcatenate", {"string_a": "cat", "string_b": "dog", "delimiter": ", "}, ("cat, dog",)),
    ("StringSubstring", {"string": "notebook", "start": 4, "end": 8}, ("book",)),
    ("StringSubstring", {"string": "notebook", "start": -4, "end": -2}, ("bo",)),
    ("StringLength", {"string": "späť"}, (4,)),
    ("CaseConverter", {"string": "a bC", "mode": "UPPERCASE"}, ("A BC",)),
    ("CaseConverter", {"string": "a bC", "mode": "lowercase"}, ("a bc",)),
    ("CaseConverter", {"string": "a bC", "mode": "Capitalize"}, ("A bc",)),
    ("CaseConverter", {"string": "a bC", "mode": "Title Case"}, ("A Bc",)),
    ("StringTrim", {"string": " x\n", "mode": "Both"}, ("x",)),
    ("StringTrim", {"string": " x\n", "mode": "Left"}, ("x\n",)),
    ("StringTrim", {"string": " x\n", "mode": "Right"}, (" x",)),
    ("StringReplace", {"string": "a-b-c", "find": "-", "replace": "+"}, ("a+b+c",)),
    ("StringContains", {"string": "A cat", "substring": "CAT", "case_sensitive": True}, (False,)),
    ("StringContains", {"string": "A cat", "substring": "CAT", "case_sensitive": False}, (True,)),
    ("StringCompare", {"string_a": "Cat", "string_b": "ca", "mode": "Starts With", "case_sensitive": False}, (True,)),
    ("StringCompare", {"string_a": "Cat", "string_b": "AT", "mode": "Ends With", "case_sensitive": True}, (False,)),
    ("StringCompare", {"string_a": "Cat", "string_b": "Cat", "mode": "Equal", "case_sensitive": True}, (True,)),
    ("StringFormat", {"f_string": "{a}:{b:.3f} {{x}}", "values.a": "v", "values.b": 1 / 3}, ("v:0.333 {x}",)),
    ("JsonExtractString", {"json_string": 'Sure! ```{"a": "x", "n": 1.5}```', "key": "a"}, ("x",)),
    ("JsonExtractString", {"json_string": '{broken {"n": 1.5}', "key": "n"}, ("1.5",)),
    ("JsonExtractString", {"json_string": '{"o": {"k": [1]}}', "key": "o"}, ('{"k": [1]}',)),
    ("JsonExtractString", {"json_string": "none here", "key": "a"}, ("",)),
    ("JsonExtractString", {"json_string": '{"a": null}', "key": "a"}, ("",)),
    ("ConvertDictionaryToString", {"dictionary": {"ä": [1, 2]}, "indent": 0}, ('{"ä":[1,2]}',)),
    ("ConvertArrayToString", {"array": [1, "b"], "indent": 2}, ('[\n  1,\n  "b"\n]',)),
    ("ComfyNumberConvert", {"value": " 3.9 "}, (3.9, 3)),
    ("ComfyNumberConvert", {"value": "12345678901234567"}, (12345678901234567.0, 12345678901234567)),
    ("ComfyNumberConvert", {"value": True}, (1.0, 1)),
    ("ComfyNumberConvert", {"value": -2.7}, (-2.7, -2)),
    ("ResolutionSelector", {"aspect_ratio": "1:1 (Square)", "megapixels": 1.0}, (1024, 1024)),
    ("ResolutionSelector", {"aspect_ratio": "1:1 (Square)", "megapixels": 4.0, "multiple": 16}, (2048, 2048)),
    # 16:9 at 0.9 MP: unit = sqrt(943718.4 / 144) = 80.954, so 1295.3 x 728.6, to multiples of 32
    ("ResolutionSelector", {"aspect_ratio": "16:9 (Widescreen)", "megapixels": 0.9, "multiple": 32}, (1280, 736)),
    ("ResolutionSelector", {"aspect_ratio": "9:16 (Portrait Widescreen)", "megapixels": 0.9}, (728, 1296)),
    ("ColorToRGBInt", {"color": "#0a9299"}, (0x0A9299, "#0a9299", 1.0)),
    ("ColorToRGBInt", {"color": "F008"}, (0xFF0000, "#ff0000", 0x88 / 255)),
    ("GetItemFromList", {"list": ["a", "b", "c"], "index": [1]}, ("b",)),
    ("GetItemFromList", {"list": ["a", "b", "c"], "index": [-1]}, ("c",)),
    ("CreateList", {"inputs.input1": ["c"], "inputs.input0": ["a", "b"], "inputs.input10": ["d"]}, (list("abcd"),)),
    ("CreateList", {"inputs.input1": ["b"], "inputs.odd": ["a"], "inputs.": ["c"]}, (list("acb"),)),
    ("RegexMatch", {"string": "Cat", "regex_pattern": "^c", "case_insensitive": True}, (True,)),
    ("RegexMatch", {"string": "a\nb", "regex_pattern": "a.b", "case_insensitive": True}, (False,)),
    ("RegexMatch", {"string": "a\nb", "regex_pattern": "a.b", "case_insensitive": True, "dotall": True}, (True,)),
    ("RegexReplace", {"string": "a1b2", "regex_pattern": r"(\d)", "replace": r"<\1>"}, ("a<1>b<2>",)),
    ("RegexReplace", {"string": "aaa", "regex_pattern": "A", "replace": "b", "count": 2}, ("bba",)),
    ("RegexReplace", {"string": "", "regex_pattern": "^$", "replace": "[]"}, ("[]",)),
]


@pytest.mark.parametrize(("name", "inputs", "expected"), RESULTS)
def test_result(name: str, inputs: dict[str, Any], expected: tuple[Any, ...]) -> None:
    if name == "RegexMatch":
        inputs = {"multiline": False, "dotall": False, **inputs}
    assert run(name, **inputs) == expected


@pytest.mark.parametrize(
    ("mode", "group", "expected"),
    [
        ("First Match", 1, "k1=v1"),
        ("All Matches", 1, "k1=v1\nk2=v2"),
        ("First Group", 2, "v1"),
        ("All Groups", 2, "v1\nv2"),
        ("First Group", 0, "k1=v1"),
        ("First Group", 9, ""),
    ],
)
def test_regex_extract(mode: str, group: int, expected: str) -> None:
    flags = {"case_insensitive": False, "multiline": False, "dotall": False, "group_index": group}
    assert run("RegexExtract", string="k1=v1; k2=v2", regex_pattern=r"(k\d)=(v\d)", mode=mode, **flags) == (expected,)


@pytest.mark.parametrize(
    ("pattern", "subject", "flags"),
    [(r"\b\w{3}\b", "one two three", 0), (r"(?P<x>a)|b", "abba", 0), ("^.", "ab\ncd", re.MULTILINE), ("É", "é", re.I)],
)
def test_patterns_mean_what_they_mean_to_re(pattern: str, subject: str, flags: int) -> None:
    extracted = run(
        "RegexExtract",
        string=subject,
        regex_pattern=pattern,
        mode="All Matches",
        case_insensitive=bool(flags & re.I),
        multiline=bool(flags & re.MULTILINE),
        dotall=False,
        group_index=0,
    )
    assert extracted == ("\n".join(found.group() for found in re.finditer(pattern, subject, flags)),)


def test_a_runaway_pattern_is_given_up_while_the_kernel_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regex, "TIME_LIMIT", 0.5)
    with ThreadPoolExecutor(1) as engine:
        run_away = engine.submit(run, "RegexReplace", string="a" * 45 + "!", regex_pattern="(a|aa)+$", replace="")
        longest = 0.0
        while not run_away.done():
            before = time.monotonic()
            time.sleep(0.01)
            longest = max(longest, time.monotonic() - before)
        with pytest.raises(regex.PatternError, match="took longer"):
            run_away.result()
    assert 0 < longest < 0.4, "another thread of the kernel had to wait for the search"


def test_switch_asks_only_for_the_chosen_branch() -> None:
    switch = logic.ComfySwitchNode()
    assert switch.check_lazy_status(switch=True, on_true=None, on_false=None) == ["on_true"]
    assert switch.check_lazy_status(switch=False, on_true=None, on_false=None) == ["on_false"]
    assert switch.check_lazy_status(switch=True, on_true="there", on_false=None) == []
    assert switch.execute(switch=False, on_true=None, on_false=3) == (3,)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("text", "text"),
        (1, "1"),
        (0.5, "0.5"),
        (True, "True"),
        (None, "None"),
        ({"a": [1]}, '{\n    "a": [\n        1\n    ]\n}'),
    ],
)
def test_preview_any(value: Any, shown: str) -> None:
    assert run("PreviewAny", source=value) == {"ui": {"text": (shown,)}, "result": (shown,)}


def test_save_text_numbers_its_files(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "_current", folders.Folders(base=tmp_path))
    first = run("SaveText", text="one", filename_prefix="notes/day", format="txt")
    second = run("SaveText", text='{"b":1}', filename_prefix="notes/day", format="json")
    assert first["ui"]["files"] == [{"filename": "day_00001_.txt", "subfolder": "notes", "type": "output"}]
    assert (tmp_path / "output/notes/day_00001_.txt").read_text() == "one"
    assert (tmp_path / "output/notes/day_00002_.json").read_text() == '{\n  "b": 1\n}'
    assert second["result"] == ('{"b":1}',)
    run("SaveText", text="half a pair: \ud83d", filename_prefix="notes/day", format="txt")
    assert (tmp_path / "output/notes/day_00003_.txt").read_text() == "half a pair: ?"
    assert [path.name for path in (tmp_path / "output/notes").glob("*.part")] == []
    with pytest.raises(folders.UnsafePathError):
        run("SaveText", text="x", filename_prefix="../../escape", format="txt")


BAD = [
    ("ComfyNumberConvert", {"value": ""}, "empty"),
    ("ComfyNumberConvert", {"value": "ten"}, "not a number"),
    ("ComfyNumberConvert", {"value": "nan"}, "not a finite number"),
    ("ColorToRGBInt", {"color": "red"}, "#rrggbb"),
    ("StringFormat", {"f_string": "{b}", "values.a": 1}, "names no connected value. Connected: a"),
    ("StringFormat", {"f_string": "{a.__class__}", "values.a": 1}, "names no connected value"),
    ("StringFormat", {"f_string": "{a[0]}", "values.a": [1]}, "names no connected value"),
    ("StringFormat", {"f_string": "{a:>999999999}", "values.a": 1}, "more than 10000"),
    ("StringFormat", {"f_string": "{a:{b}}", "values.a": 1, "values.b": ">999999999"}, "more than 10000"),
    ("StringFormat", {"f_string": "{", "values.a": 1}, "Cannot format"),
    ("GetItemFromList", {"list": ["a"], "index": [5]}, "no item 5: the list has 1 item"),
    ("RegexReplace", {"string": "a", "regex_pattern": "(", "replace": ""}, "Cannot read the pattern"),
    ("RegexReplace", {"string": "a", "regex_pattern": "a", "replace": r"\7"}, "Cannot use the replacement"),
    ("ConvertDictionaryToString", {"dictionary": {"a": object()}}, "cannot be written as JSON"),
    ("ResolutionSelector", {"aspect_ratio": "5:1", "megapixels": 1.0}, "not an aspect ratio"),
]


@pytest.mark.parametrize(("name", "inputs", "message"), BAD)
def test_bad_input_is_explained(name: str, inputs: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, IndexError), match=re.escape(message)):
        run(name, **inputs)


def test_declarations_import_no_torch() -> None:
    modules = "text, primitive, math, logic, regex"
    script = f"import sys; from comfy_notebook.nodes import {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
