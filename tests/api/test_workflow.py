"""Workflow, Run and Results in process."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from PIL import Image

import comfy_notebook as cn
from comfy_notebook.session import Session
from comfy_notebook.workflow import WorkflowError

from .conftest import INVERT

BEFORE = (255, 0, 255)
AFTER = tuple(255 - value for value in BEFORE)


def test_results_by_title_id_and_class_as_pictures_and_tensors(session: Session) -> None:
    run = cn.Workflow(INVERT).run()
    results = run.result(timeout=30)
    assert (run.done(), run.state) == (True, "success")
    for name in ("Save Image", "SaveImage", "3", 3):
        image = results[name].image
        assert (image.size, image.getpixel((0, 0))) == ((8, 4), AFTER)
    tensor = results["3"].tensor
    assert (tensor.shape, tensor.dtype) == ((1, 4, 8, 3), torch.float32)
    expected = 1 - torch.tensor(BEFORE) / 255
    torch.testing.assert_close(tensor[0, 0, 0], expected, atol=1e-6, rtol=0)
    assert results["Before"].image.getpixel((0, 0)) == BEFORE
    assert results["2"].image.getpixel((7, 3)) == AFTER
    assert results["2"]["IMAGE"] is results["2"].tensor is results["2"][0]
    assert results["3"].files[0].parent == session.folders.output
    assert results["3"].ui["images"][0]["type"] == "output"
    assert len(results.images) == len(results) == 2
    assert "<img" in (results._repr_html_() or "")
    assert (results["3"]._repr_png_() or b"")[:4] == b"\x89PNG"
    assert "ImageInvert" in repr(results["2"])


def test_wrong_and_ambiguous_names_list_what_there_is(session: Session) -> None:
    prompt = {**INVERT, "5": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}}}
    results = cn.Workflow(prompt).run().result(30)
    with pytest.raises(KeyError, match=r"did you mean 'Before'\?"):
        results["Befor"]
    with pytest.raises(KeyError, match=r"2 nodes are called 'PreviewImage'; use an id: '4' \(Before\), '5'"):
        results["PreviewImage"]
    with pytest.raises(KeyError, match="output of"):
        results["2"]["MASK"]
    with pytest.raises(LookupError, match="gave no text"):
        _ = results["2"].text


def test_output_nodes_keep_what_reached_them_after_later_runs(session: Session) -> None:
    workflow = cn.Workflow(INVERT)
    first = workflow.run().result(30)
    for color in (1, 2, 3):
        workflow.run(color=color).result(30)
    session.engine.free()
    torch.testing.assert_close(first["Before"].tensor[0, 0, 0], torch.tensor(BEFORE) / 255, atol=1e-6, rtol=0)
    assert first["SaveImage"].image.getpixel((0, 0)) == AFTER


@pytest.mark.parametrize(
    "values",
    [{"color": 0xFF0000}, {"EmptyImage.color": 0xFF0000}, {"1.color": 0xFF0000}, {"EmptyImage__color": 0xFF0000}],
)
def test_values_for_one_run(session: Session, values: dict[str, Any]) -> None:
    workflow = cn.Workflow(INVERT)
    results = workflow.run(**values).result(30)
    assert results["3"].image.getpixel((0, 0)) == (0, 255, 255)
    assert workflow.run().result(30)["3"].image.getpixel((0, 0)) == AFTER


def test_a_picture_carries_the_values_it_was_made_with(session: Session) -> None:
    workflow = cn.Workflow(INVERT)
    picture = workflow.run(color=0x00FF00).result(30)["SaveImage"].files[0]
    assert cn.Workflow.load(picture)["EmptyImage"].color == 0x00FF00
    assert workflow["EmptyImage"].color == 0xFF00FF


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"colour": 1}, KeyError, "did you mean 'color'"),
        ({"images": 1}, KeyError, r"2 nodes have an input 'images'; say which: .*'Before.images'"),
        ({"Nope.color": 1}, KeyError, "no node 'Nope'"),
        ({"EmptyImage.wdth": 1}, KeyError, "did you mean 'width'"),
        ({"color": "red"}, TypeError, "takes a number, not str 'red'"),
        ({"width": 1.5}, ValueError, "whole number"),
        ({"width": object()}, TypeError, "takes a number"),
        ({"filename_prefix": 3}, TypeError, "takes a text"),
        ({"width": torch.zeros(1, 2, 2, 3)}, TypeError, "Load Image"),
        ({"width": 10**9}, cn.RunError, "width"),
    ],
)
def test_wrong_values_are_explained(session: Session, values: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        cn.Workflow(INVERT).run(values)


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("RGB", (5, 3), (10, 20, 30)),
        torch.tensor([10.5, 20.5, 30.5]).div(255).expand(1, 3, 5, 3),
        numpy.full((3, 5, 3), (10, 20, 30), numpy.uint8),
    ],
    ids=["pil", "tensor", "numpy"],
)
def test_pictures_of_the_kernel_go_into_load_image(session: Session, picture: Any) -> None:
    prompt = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "missing.png"}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }
    results = cn.Workflow(prompt).run(image=picture).result(30)
    assert (results["2"].image.size, results["2"].image.getpixel((4, 2))) == ((5, 3), (10, 20, 30))
    with pytest.raises(ValueError, match="the batch holds 2"):
        cn.Workflow(prompt).run(image=torch.zeros(2, 4, 4, 3))


def test_a_refused_run_names_node_input_and_reason(session: Session) -> None:
    with pytest.raises(cn.RunError, match=r"Save Image.*'images'.*missing") as caught:
        cn.Workflow({"3": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x"}}}).run()
    (error,) = caught.value.errors
    assert (error.node_id, error.class_type, error.input) == ("3", "SaveImage", "images")
    with pytest.raises(cn.RunError, match="Nope"):
        cn.Workflow({"1": {"class_type": "Nope", "inputs": {}}}).run()


def test_a_failing_node_is_told_in_one_short_message(session: Session) -> None:
    @cn.node
    def explode(image: cn.Image, times: int = 1) -> cn.Image:
        raise ZeroDivisionError("boom at the third pixel")

    prompt = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 4, "batch_size": 1, "color": 0}},
        "2": {"class_type": "explode", "inputs": {"image": ["1", 0], "times": 1}, "_meta": {"title": "Bomb"}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    }
    run = cn.Workflow(prompt).run()
    with pytest.raises(
        cn.RunError, match=r"Bomb \(explode\) \[node 2\]: ZeroDivisionError: boom at the third"
    ) as caught:
        run.result(30)
    assert run.state == "error"
    assert "ZeroDivisionError" in caught.value.traceback_text
    shown = "\n".join(caught.value._render_traceback_())
    assert len(shown.splitlines()) <= 5
    assert "Bomb" in shown


def test_a_function_is_a_node_and_its_new_code_counts(session: Session) -> None:
    def prompt(factor: float) -> dict[str, Any]:
        return {
            "1": {"class_type": "EmptyImage", "inputs": {"width": 2, "height": 2, "batch_size": 1, "color": 0xFFFFFF}},
            "2": {"class_type": "scale_by", "inputs": {"image": ["1", 0], "factor": factor}},
            "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
        }

    @cn.node(category="test")
    def scale_by(image: cn.Image, factor: float = 0.5) -> cn.Image:
        return image * factor

    assert session.registry.get("scale_by") is not None
    assert cn.Workflow(prompt(0.5)).run().result(30)["2"].tensor.mean().item() == pytest.approx(0.5)

    @cn.node(name="scale_by")
    def scale_again(image: cn.Image, factor: float = 0.5) -> cn.Image:
        return image * factor / 2

    assert cn.Workflow(prompt(0.5)).run().result(30)["2"].tensor.mean().item() == pytest.approx(0.25)
    assert scale_by(torch.ones(1), 0.5).item() == 0.5


def slow_prompt(session: Session, steps: int) -> dict[str, Any]:
    @cn.node(output_node=True)
    def slow(steps: int = 1) -> str:
        for step in range(steps):
            time.sleep(0.02)
            cn.context().progress(step + 1, steps)
        return "done"

    return {"1": {"class_type": "slow", "inputs": {"steps": steps}}}


def test_cancel_stops_within_a_step_and_takes_waiting_ones_out(session: Session) -> None:
    prompt = slow_prompt(session, 2000)
    running, waiting = cn.Workflow(prompt).run(), cn.Workflow(prompt).run(steps=1999)
    while running.state != "running":
        time.sleep(0.01)
    assert (waiting.state, waiting.done()) == ("queued", False)
    waiting.cancel()
    with pytest.raises(cn.RunInterrupted):
        waiting.result(5)
    with pytest.raises(TimeoutError, match="still running"):
        running.result(0.2)
    started = time.monotonic()
    running.cancel()
    with pytest.raises(cn.RunInterrupted):
        running.result(5)
    assert time.monotonic() - started < 1
    assert running.state == waiting.state == "interrupted"
    assert cn.Workflow(slow_prompt(session, 1)).run().result(10)["slow"].value == "done"


async def test_a_run_can_be_awaited_and_the_loop_goes_on(session: Session) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    results = await cn.Workflow(slow_prompt(session, 20)).run()
    ticking.cancel()
    assert results["slow"].value == "done"
    assert ticks > 10


async def test_cancelling_the_await_cancels_the_run(session: Session) -> None:
    run = cn.Workflow(slow_prompt(session, 2000)).run()
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(_awaited(run), 0.3)
    with pytest.raises(cn.RunInterrupted):
        run.result(5)


async def _awaited(run: cn.Run) -> cn.Results:
    return await run


def test_runs_of_several_threads_all_end(session: Session) -> None:
    found: dict[int, Any] = {}

    def work(color: int) -> None:
        found[color] = cn.Workflow(INVERT).run({"EmptyImage.color": color}).result(60)["Before"].image.getpixel((0, 0))

    threads = [threading.Thread(target=work, args=(color,)) for color in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == {color: (0, 0, color) for color in range(8)}


def test_widgets_are_read_and_set_by_name(session: Session, tmp_path: Path) -> None:
    workflow = cn.Workflow(INVERT)
    node = workflow["EmptyImage"]
    assert (node.id, node.type, node.color, node.values["width"]) == ("1", "EmptyImage", 0xFF00FF, 8)
    node.color = 0x0000FF
    workflow["SaveImage"]["filename_prefix"] = "blue"
    assert workflow["1"].color == 0x0000FF
    assert workflow.to_api()["1"]["inputs"]["color"] == 0x0000FF
    results = workflow.run().result(30)
    assert results["Before"].image.getpixel((0, 0)) == (0, 0, 255)
    assert results["SaveImage"].files[0].name.startswith("blue_")
    with pytest.raises(AttributeError, match="did you mean 'color'"):
        node.colour = 3
    with pytest.raises(AttributeError, match="did you mean 'width'"):
        _ = node.widt
    with pytest.raises(KeyError, match="did you mean 'EmptyImage'"):
        workflow["EmptyImag"]
    assert "color" in dir(node)
    assert "color=255" in repr(node)
    assert [each.type for each in workflow] == ["EmptyImage", "ImageInvert", "SaveImage", "PreviewImage"]


def test_saved_files_open_again_and_pictures_carry_their_workflow(session: Session, tmp_path: Path) -> None:
    workflow = cn.Workflow(INVERT, title="mine")
    path = workflow.save(tmp_path / "wf.json")
    assert json.loads(path.read_text())["nodes"]
    again = cn.Workflow.load(path)
    assert (again.title, again.to_api()) == ("wf", workflow.to_api())
    assert cn.Workflow.load(workflow.save(tmp_path / "api.json", format="api")).to_api() == workflow.to_api()
    picture = workflow.run().result(30)["SaveImage"].files[0]
    assert cn.Workflow.load(picture).to_api() == workflow.to_api()
    with pytest.raises(ValueError, match="format"):
        workflow.save(tmp_path / "x", format="xml")
    with pytest.raises(ValueError, match="save"):
        cn.Workflow(INVERT).save()
    for bad in (tmp_path / "missing.json", '{"nodes": [', b"", {"a": 1}):
        with pytest.raises(WorkflowError):
            cn.Workflow(bad)


def test_the_python_script_runs_the_same_graph(session: Session) -> None:
    workflow = cn.Workflow(INVERT)
    source = workflow.to_python()
    scope: dict[str, Any] = {}
    exec(compile(source, "script", "exec"), scope)
    assert scope["prompt"] == workflow.to_api()
    assert scope["results"]["SaveImage"].image.getpixel((0, 0)) == AFTER


def test_a_linked_widget_says_where_its_value_comes_from(session: Session) -> None:
    prompt = {
        "1": {"class_type": "PrimitiveInt", "inputs": {"value": 6}, "_meta": {"title": "Width"}},
        "2": {"class_type": "EmptyImage", "inputs": {"width": ["1", 0], "height": 4, "batch_size": 1, "color": 0}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    }
    workflow = cn.Workflow(prompt)
    with pytest.raises(ValueError, match="linked to 'Width'"):
        workflow["EmptyImage"].width = 3
    workflow["Width"].value = 5
    assert workflow.run().result(30)["3"].image.size == (5, 4)
    assert workflow.run({"EmptyImage.width": 7}).result(30)["3"].image.size == (7, 4)
    assert workflow.run(width=9).result(30)["3"].image.size == (9, 4)
