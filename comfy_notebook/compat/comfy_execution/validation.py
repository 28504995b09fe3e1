"""``comfy_execution.validation``: whether types match."""

from __future__ import annotations


def validate_node_input(received_type: str, input_type: str, strict: bool = False) -> bool:
    """Whether an output of ``received_type`` may be linked to an input of ``input_type``; both may be unions. With
    ``strict`` every type received must be among those wanted."""
    if not received_type != input_type:  # noqa: SIM202 - packs override __ne__ alone
        return True
    if not isinstance(received_type, str) or not isinstance(input_type, str):
        return False
    received = {kind.strip() for kind in received_type.split(",")}
    wanted = {kind.strip() for kind in input_type.split(",")}
    if "*" in received or "*" in wanted:
        return True
    return received <= wanted if strict else bool(received & wanted)
