"""What is said of nodes that nobody defined."""

from __future__ import annotations

import re

import pytest

from comfy_notebook.workflow import missing_nodes
from comfy_notebook.workflow.coverage import coverage, report

CASES: list[tuple[str, dict[str, str] | None, str]] = [
    ("AnyNode", {"cnr_id": "some-pack"}, "It comes with the pack some-pack."),
    ("AnyNode", {"aux_id": "owner/repository"}, "It comes with the pack owner/repository."),
    ("WanVideoSampler", {"cnr_id": "a-pack-for-wan"}, "It comes with the pack a-pack-for-wan."),
    (
        "WanImageToVideo",
        {"cnr_id": "comfy-core"},
        "It is a part of ComfyUI that needs Wan's video models, and is not built here yet.",
    ),
    (
        "KlingImage2VideoNode",
        None,
        "It seems to be a part of ComfyUI that needs a partner's web service, and is not built here yet.",
    ),
    ("NeverHeardOf", {"cnr_id": "comfy-core"}, "It is a part of ComfyUI that is not built here yet."),
    ("NeverHeardOf", None, "No loaded pack defines it."),
]


@pytest.mark.parametrize(("class_type", "properties", "sentence"), CASES)
def test_where_a_missing_node_would_come_from(
    class_type: str, properties: dict[str, str] | None, sentence: str
) -> None:
    assert missing_nodes.what_it_needs(class_type, properties) == sentence


def test_the_coverage_of_a_folder_tells_what_its_workflows_need() -> None:
    workflows = [
        ("one", {"1": {"class_type": "WanImageToVideo", "inputs": {}}, "2": {"class_type": "Wan2", "inputs": {}}}),
        ("two", {"1": {"class_type": "WanVaceToVideo", "inputs": {}}}),
        ("three", {"1": {"class_type": "Mine", "inputs": {}}}),
    ]
    lines = report(coverage(workflows, lambda kind: None))
    counted = [
        re.split(r"\s{2,}", line.strip())
        for line in lines[lines.index("Workflows by what their missing nodes need:") :]
    ]
    assert [
        "2",
        "It seems to be a part of ComfyUI that needs Wan's video models, and is not built here yet.",
    ] in counted
    assert ["1", "No loaded pack defines it."] in counted
