"""Blocks of transformers replaced or followed by functions of custom nodes, as ``transformer_options`` name them.

``patches_replace["dit"][("double_block", i)]``: ``f(args, {"original_block": block}) -> {"img", "txt"}`` in the place
of block ``i`` (``single_block`` alike, without ``txt``: there ``img`` is text and picture in one row). ``block(args)``
is the block itself. ``args`` hold ``img`` and ``txt`` ``[B,T,D]``, ``vec`` (the modulation), ``pe`` (places, as the
network has them), ``attn_mask`` and ``transformer_options``.

``patches["double_block" | "single_block"]``: ``f({img, txt, x, block_index, transformer_options}) -> {"img", "txt"}``
after every block of that kind, ``x`` the network's input. ``patches["post_input"]``: ``f({img, txt, img_ids, txt_ids,
transformer_options})`` once, before the first block (:func:`embedded`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

Options = Mapping[str, Any]
_MASKS = ("attention_mask", "encoder_hidden_states_mask")


class Blocks(NamedTuple):
    """Blocks in a module's list ``attribute`` that custom nodes call ``kind``.

    ``joins``: the module keeps text and picture apart where custom nodes see one row.
    """

    attribute: str
    kind: str
    joins: bool = False


DOUBLE = Blocks("transformer_blocks", "double_block")
SINGLE = Blocks("single_transformer_blocks", "single_block")
SINGLE_JOINED = Blocks("single_transformer_blocks", "single_block", joins=True)
AURA_DOUBLE = Blocks("joint_transformer_blocks", "double_block")


@contextmanager
def patched(
    module: Any, kinds: Sequence[Blocks], options: dict[str, Any] | None, x: Tensor, text: slice | None = None
) -> Iterator[None]:
    """While it lasts the blocks of ``module`` do what ``options`` say.

    ``text``: which tokens of joint attention are the prompt's; ``options`` tell it as ``text_tokens``.
    """
    if options is not None:
        options["text_tokens"] = text
    told = dict(options or {})
    replaced = told.get("patches_replace", {}).get("dit", {})
    following = told.get("patches", {})
    with ExitStack() as stack:
        for blocks in kinds:
            after = following.get(blocks.kind, ())
            listed = getattr(module, blocks.attribute)
            for index, block in enumerate(listed):
                replacement = replaced.get((blocks.kind, index))
                if replacement is not None or after:
                    place = {"block": (blocks.kind, index), "block_index": index, "total_blocks": len(listed)}
                    run = _Run(block.forward, blocks, replacement, after, {**told, **place}, x)
                    stack.enter_context(_forward_is(block, run))
        yield


@contextmanager
def _forward_is(module: Any, forward: Callable[..., Any]) -> Iterator[None]:
    """Let a module call ``forward``; hooks on it stay."""
    before = module.__dict__.get("forward")
    module.__dict__["forward"] = forward
    try:
        yield
    finally:
        if before is None:
            del module.__dict__["forward"]
        else:
            module.__dict__["forward"] = before


class _Run:
    """The forward of one block with what goes around it."""

    def __init__(
        self,
        forward: Callable[..., Any],
        blocks: Blocks,
        replacement: Any,
        after: Sequence[Any],
        options: dict[str, Any],
        x: Tensor,
    ) -> None:
        self.forward, self.blocks, self.replacement, self.after = forward, blocks, replacement, after
        self.options, self.x = options, x

    def __call__(self, **given: Any) -> Any:
        text: Any = given.get("encoder_hidden_states")
        picture: Tensor = given["hidden_states"]
        joined = self.blocks.joins
        split = text.shape[1] if joined else 0
        args = {
            "img": torch.cat([text, picture], dim=1) if joined else picture,
            "vec": given.get("temb"),
            "pe": given.get("image_rotary_emb"),
            "attn_mask": next((given[name] for name in _MASKS if given.get(name) is not None), None),
            "transformer_options": self.options,
        }
        if text is not None and not joined:
            args["txt"] = text
        original = self._original(given, split)
        made = original(args) if self.replacement is None else self.replacement(args, {"original_block": original})
        for patch in self.after:
            made = {**made, **patch({**made, "x": self.x, **self._place()})}
        if joined:
            return made["img"][:, :split], made["img"][:, split:]
        return made["img"] if text is None else (made.get("txt"), made["img"])

    def _place(self) -> dict[str, Any]:
        return {"block_index": self.options["block_index"], "transformer_options": self.options}

    def _original(self, given: Mapping[str, Any], split: int) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        def block(args: Mapping[str, Any], *_more: Any, **_options: Any) -> dict[str, Any]:
            changed = dict(given)
            img = args["img"]
            if self.blocks.joins:
                changed["encoder_hidden_states"], img = img[:, :split], img[:, split:]
            elif "txt" in args:
                changed["encoder_hidden_states"] = args["txt"]
            changed["hidden_states"] = img
            for name, argument in (("vec", "temb"), ("pe", "image_rotary_emb")):
                if argument in given and args.get(name) is not None:
                    changed[argument] = args[name]
            made = self.forward(**changed)
            if not isinstance(made, tuple):
                return {"img": made}
            return {"img": torch.cat(made, dim=1)} if self.blocks.joins else {"txt": made[0], "img": made[1]}

        return block


@contextmanager
def embedded(module: Any, arguments: dict[str, Any], options: Options | None) -> Iterator[dict[str, Any]]:
    """``arguments`` of a Flux-like module after the ``post_input`` patches, which see and may lengthen its tokens."""
    told = dict(options or {})
    patches = told.get("patches", {}).get("post_input", ())
    if not patches:
        yield arguments
        return
    made = {
        "img": module.x_embedder(arguments["hidden_states"]),
        "txt": module.context_embedder(arguments["encoder_hidden_states"]),
        "img_ids": arguments["img_ids"][None],
        "txt_ids": arguments["txt_ids"][None],
    }
    for patch in patches:
        made = {**made, **patch({**made, "transformer_options": told})}
    with _forward_is(module.x_embedder, _same), _forward_is(module.context_embedder, _same):
        yield {
            **arguments,
            "hidden_states": made["img"],
            "encoder_hidden_states": made["txt"],
            "img_ids": made["img_ids"].flatten(0, -2)[: made["img"].shape[1]],
            "txt_ids": made["txt_ids"].flatten(0, -2)[: made["txt"].shape[1]],
        }


def _same(tokens: Tensor) -> Tensor:
    return tokens
