"""``CLIP`` in a graph: text encoders with their tokenizers, patches and clip skip."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import memory
from .patcher import ModelPatcher
from .text.stack import TextStack, Tokens


class CLIP:
    """``cond_stage_model`` encodes, ``patcher`` holds its patches; clones share the weights."""

    def __init__(self, stack: TextStack, device: Any = None) -> None:
        self.cond_stage_model = stack
        load = device if device is not None else memory.get_torch_device()
        self.patcher = ModelPatcher(stack, load, device if device is not None else memory.offload_device())
        self.layer_idx: int | None = None
        self.tokenizer_options: dict[str, Any] = {}
        self.use_clip_schedule = False
        self.apply_hooks_to_conds: Any = None

    @property
    def tokenizer(self) -> TextStack:
        """What tokenizes; packs call ``clip.tokenizer.tokenize_with_weights``."""
        return self.cond_stage_model

    def clone(self) -> CLIP:
        """A copy whose patches and clip skip can be changed alone."""
        made = CLIP.__new__(CLIP)
        made.__dict__.update(self.__dict__)
        made.patcher = self.patcher.clone()
        made.tokenizer_options = dict(self.tokenizer_options)
        return made

    def add_patches(self, patches: Any, strength_patch: float = 1.0, strength_model: float = 1.0) -> list[Any]:
        return self.patcher.add_patches(patches, strength_patch, strength_model)

    def set_tokenizer_option(self, option_name: str, value: Any) -> None:
        self.tokenizer_options[option_name] = value

    def clip_layer(self, layer_idx: int) -> None:
        """Take the hidden state ``layer_idx`` (-1 is the last layer's)."""
        self.layer_idx = layer_idx

    def tokenize(self, text: str, return_word_ids: bool = False, **options: Any) -> Tokens:
        """Chunks of (token, weight) for each encoder, by its short name."""
        return self.cond_stage_model.tokenize(text, return_word_ids, **{**self.tokenizer_options, **options})

    def encode_from_tokens(
        self,
        tokens: Tokens,
        return_pooled: bool | str = False,
        return_dict: bool = False,
        at: float | None = None,
        **_options: Any,
    ) -> Any:
        """The text ``[1,T,D]``; with ``return_pooled`` (text, pooled); with ``return_dict`` a dict with ``cond``.

        ``at``: hooks are as strong as when this part of sampling (0 to 1) is done; None: as if nothing scheduled them.
        """
        import torch

        stack = self.cond_stage_model
        stack.reset_clip_options()
        if self.layer_idx is not None:
            stack.set_clip_options({"layer": self.layer_idx})
        self.load_model()
        with torch.inference_mode(mode=False), torch.no_grad(), self._hooked(at):
            cond, pooled, *more = memory.retry_after_unloading(
                lambda: stack.encode_token_weights(tokens), "encode the prompt", keep=[self.patcher]
            )
        where = memory.intermediate_device()
        cond, pooled = cond.to(where), None if pooled is None else pooled.to(where)
        if return_dict:
            return {"cond": cond, "pooled_output": pooled, **(more[0] if more else {})}
        return (cond, pooled) if return_pooled else cond

    def encode_from_tokens_scheduled(
        self, tokens: Tokens, unprojected: bool = False, add_dict: Any = None, show_pbar: bool = True
    ) -> list[list[Any]]:
        """Conditioning for ``tokens``: ``[[text, {"pooled_output": …}]]``, with an entry for each part of sampling in
        which hooks have another strength, where they are scheduled."""
        hooks = self.patcher.forced_hooks
        added = {**(add_dict or {}), **({} if self.apply_hooks_to_conds is None else {"hooks": hooks})}
        if hooks is None or not self.use_clip_schedule:
            return [self._entry(self.encode_from_tokens(tokens, return_dict=True), added)]
        starts = hooks.turns()
        entries = []
        for start, end in zip(starts, [*starts[1:], 1.0], strict=True):
            part = {"clip_start_percent": start, "clip_end_percent": end}
            made = self.encode_from_tokens(tokens, return_dict=True, at=start)
            entries.append(self._entry(made, {**added, **part}))
        return entries

    @staticmethod
    def _entry(made: dict[str, Any], added: dict[str, Any]) -> list[Any]:
        return [made["cond"], {key: value for key, value in made.items() if key != "cond"} | added]

    @contextmanager
    def _hooked(self, at: float | None) -> Iterator[None]:
        """The encoders under the hooks of this clone, while it lasts."""
        hooks = self.patcher.forced_hooks
        if hooks is None:
            yield
            return
        from .hooked_weights import HookedWeights

        hooked = HookedWeights(self.patcher, clip=True)
        if at is None:
            hooks = hooks.clone()
            hooks.set_keyframes_on_hooks(None)
        try:
            hooked.apply(hooks.strengths(lambda percent: percent <= (at or 0.0), clip=True))
            yield
        finally:
            hooked.end()

    def encode(self, text: str) -> Any:
        return self.encode_from_tokens(self.tokenize(text))

    def load_model(self) -> ModelPatcher:
        """Bring the encoders to their device."""
        memory.load_models_gpu([self.patcher])
        return self.patcher

    def get_key_patches(self) -> dict[str, list[Any]]:
        return self.patcher.get_key_patches()

    def get_sd(self) -> dict[str, Any]:
        """The weights with patches, by name."""
        return self.patcher.patched_state_dict()
