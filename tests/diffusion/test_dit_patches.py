"""Functions in the place of transformer blocks, after them and around attention, on small models of each family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion import attention, memory
from comfy_notebook.diffusion.patcher import ModelPatcher
from comfy_notebook.diffusion.sampling import wrappers

from . import tiny
from .test_families_flux import loaded

Options = dict[str, Any]
#: weights, channels of the latent, width of the pooled text, {kind: attribute of the module}
FAMILIES: dict[str, tuple[Callable[[], dict[str, Tensor]], int, int | None, dict[str, str]]] = {
    "flux": (tiny.flux, 16, 64, {"double_block": "transformer_blocks", "single_block": "single_transformer_blocks"}),
    "chroma": (
        lambda: tiny.flux(chroma=True), 16, None,
        {"double_block": "transformer_blocks", "single_block": "single_transformer_blocks"},
    ),
    "sd3": (tiny.sd3, 16, 40, {"double_block": "transformer_blocks"}),
    "auraflow": (
        tiny.auraflow, 4, None,
        {"double_block": "joint_transformer_blocks", "single_block": "single_transformer_blocks"},
    ),
    "qwen_image": (tiny.qwen_image, 16, None, {"double_block": "transformer_blocks"}),
}  # fmt: skip
BLOCKS = [(name, kind) for name, family in FAMILIES.items() for kind in family[3]]


@pytest.fixture(scope="module", params=list(FAMILIES))
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ModelPatcher]:
    model = loaded(FAMILIES[request.param][0](), tmp_path_factory.mktemp(request.param))
    memory.load_models_gpu([model])
    return request.param, model


def answer(family: tuple[str, ModelPatcher], options: Options) -> Tensor:
    """The denoised latent for some input."""
    name, model = family
    _, channels, pooled, _ = FAMILIES[name]
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(2, channels, 8, 8, generator=generator)
    given: Options = {"c_crossattn": torch.randn(2, 5, 48, generator=generator)}
    if pooled is not None:
        given["y"] = torch.randn(2, pooled, generator=generator)
    with torch.no_grad():
        made: Tensor = model.model.apply_model(x, torch.tensor([0.7, 0.4]), transformer_options=options, **given)
    return made


def replacing(kind: str, index: int, patch: Any) -> Options:
    return {"patches_replace": {"dit": {(kind, index): patch}}}


def kinds(family: tuple[str, ModelPatcher]) -> Iterator[tuple[str, nn.ModuleList]]:
    name, model = family
    module = model.model.diffusion_model.module
    for kind, attribute in FAMILIES[name][3].items():
        yield kind, getattr(module, attribute)


@contextmanager
def skipped(block: nn.Module) -> Iterator[None]:
    """The oracle of a skipped block: a hook that answers its inputs."""

    def inputs(module: nn.Module, args: Any, given: Options, output: Any) -> Any:
        text = given.get("encoder_hidden_states")
        return (text, given["hidden_states"]) if isinstance(output, tuple) else given["hidden_states"]

    handle = block.register_forward_hook(inputs, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def test_a_replacement_that_calls_the_block_changes_nothing(family: tuple[str, ModelPatcher]) -> None:
    plain = answer(family, {})
    for kind, blocks in kinds(family):
        seen: list[Any] = []

        def through(args: Options, more: Options, kind: str = kind, seen: list[Any] = seen) -> Options:
            seen.append(args)
            made: Options = more["original_block"](args)
            assert made["img"].shape == args["img"].shape
            assert ("txt" in made) == (kind == "double_block")
            return made

        replaced = {(kind, index): through for index in range(len(blocks))}
        torch.testing.assert_close(answer(family, {"patches_replace": {"dit": replaced}}), plain, rtol=0, atol=0)
        assert [args["transformer_options"]["block_index"] for args in seen] == list(range(len(blocks)))
        tokens = seen[0]["img"].shape[1]
        assert tokens >= 16 + 5 if kind == "single_block" else tokens == 16
    assert all("forward" not in block.__dict__ for _, blocks in kinds(family) for block in blocks)


def test_a_replacement_may_skip_the_block(family: tuple[str, ModelPatcher]) -> None:
    plain = answer(family, {})
    for kind, blocks in kinds(family):
        with skipped(blocks[0]):
            expected = answer(family, {})
        found = answer(family, replacing(kind, 0, lambda args, more: args))
        torch.testing.assert_close(found, expected)
        assert not torch.allclose(found, plain)


def test_a_replacement_may_change_what_the_block_sees(family: tuple[str, ModelPatcher]) -> None:
    for kind, blocks in kinds(family):

        def doubled(module: nn.Module, args: Any, given: Options) -> Any:
            names = [name for name in ("hidden_states", "encoder_hidden_states") if name in given]
            return args, given | {name: given[name] * 2 for name in names}

        handle = blocks[0].register_forward_pre_hook(doubled, with_kwargs=True)
        expected = answer(family, {})
        handle.remove()

        def patch(args: Options, more: Options) -> Any:
            twice = {name: args[name] * 2 for name in ("img", "txt") if name in args}
            return more["original_block"](args | twice)

        torch.testing.assert_close(answer(family, replacing(kind, 0, patch)), expected)


def test_functions_after_blocks(family: tuple[str, ModelPatcher]) -> None:
    for kind, blocks in kinds(family):
        places: list[Any] = []

        def add(args: Options, places: list[Any] = places) -> Options:
            places.append((args["block_index"], tuple(args["x"].shape)))
            return {"img": args["img"] + 1.0}

        def added(module: nn.Module, args: Any, output: Any) -> Any:
            if not isinstance(output, tuple):
                return output + 1.0
            # Where custom nodes see one row of text and picture, both are changed.
            return (output[0] + 1.0 if kind == "single_block" else output[0], output[1] + 1.0)  # noqa: B023

        handles = [block.register_forward_hook(added) for block in blocks]
        expected = answer(family, {})
        for handle in handles:
            handle.remove()
        torch.testing.assert_close(answer(family, {"patches": {kind: [add]}}), expected)
        assert [index for index, _ in places] == list(range(len(blocks)))
        assert places[0][1][0] == 2


def test_an_exception_leaves_the_network_as_it_was(family: tuple[str, ModelPatcher]) -> None:
    def broken(args: Options, more: Options) -> Options:
        raise ZeroDivisionError

    before = answer(family, {})
    with pytest.raises(ZeroDivisionError):
        answer(family, replacing("double_block", 0, broken))
    torch.testing.assert_close(answer(family, {}), before, rtol=0, atol=0)


def test_attention_of_every_block_goes_through_an_override(family: tuple[str, ModelPatcher]) -> None:
    calls = []

    def by_hand(func: Any, q: Tensor, k: Tensor, v: Tensor, heads: int, **more: Any) -> Tensor:
        calls.append((heads, more["skip_reshape"], more["transformer_options"]["cond_or_uncond"]))
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        mask = more.get("mask")
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf")) if mask.dtype == torch.bool else scores + mask
        made: Tensor = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
        return made

    options = {"optimized_attention_override": by_hand, "cond_or_uncond": [0]}
    torch.testing.assert_close(answer(family, options), answer(family, {}), rtol=1e-4, atol=1e-5)
    blocks = sum(len(listed) for _, listed in kinds(family))
    assert len(calls) == blocks + (1 if family[0] == "sd3" else 0)  # one block of the small SD3 attends twice
    assert all(call == (2, True, [0]) for call in calls)

    def through(func: Any, *args: Any, **more: Any) -> Any:
        return func(*args, **more)

    torch.testing.assert_close(answer(family, {"optimized_attention_override": through}), answer(family, {}))


def test_flux_after_its_tokens_are_embedded(tmp_path: Path) -> None:
    model = loaded(tiny.flux(), tmp_path)
    memory.load_models_gpu([model])
    flux = ("flux", model)
    seen: Options = {}

    def look(args: Options) -> Options:
        seen.update(args)
        return args

    torch.testing.assert_close(answer(flux, {"patches": {"post_input": [look]}}), answer(flux, {}), rtol=0, atol=0)
    assert seen["img"].shape == (2, 16, 64)
    assert seen["txt"].shape == (2, 5, 64)
    assert seen["img_ids"].shape[-2:] == (16, 3)

    def longer(args: Options) -> Options:
        """Text once more, as packs add tokens of a picture to the text."""
        return {"txt": torch.cat([args["txt"], args["txt"]], 1), "txt_ids": torch.cat([args["txt_ids"]] * 2, 1)}

    def longer_prompt(module: nn.Module, args: Any, given: Options) -> Any:
        text, ids = given["encoder_hidden_states"], given["txt_ids"]
        return args, {**given, "encoder_hidden_states": torch.cat([text] * 2, 1), "txt_ids": torch.cat([ids] * 2)}

    handle = model.model.diffusion_model.module.register_forward_pre_hook(longer_prompt, with_kwargs=True)
    expected = answer(flux, {})
    handle.remove()
    torch.testing.assert_close(answer(flux, {"patches": {"post_input": [longer]}}), expected)


def test_wrappers_around_the_network(family: tuple[str, ModelPatcher]) -> None:
    options: Options = {}

    def halved(executor: Any, x: Tensor, timesteps: Tensor, *args: Any, **more: Any) -> Tensor:
        assert executor.class_obj is family[1].model.diffusion_model
        made: Tensor = executor(x, timesteps, *args, **more) * 0.0
        return made

    wrappers.add_wrapper(wrappers.WrappersMP.DIFFUSION_MODEL, halved, options)
    sampling = family[1].model.model_sampling
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(2, FAMILIES[family[0]][1], 8, 8, generator=generator)
    zero = sampling.calculate_denoised(torch.tensor([0.7, 0.4]), torch.zeros_like(x), x)
    torch.testing.assert_close(answer(family, options), zero)


def test_attention_for_packs() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(2, 6, 8, generator=generator) for _ in range(3))
    mask = torch.randn(6, 6, generator=generator)
    a, b, c = (part.view(2, 6, 2, 4).transpose(1, 2) for part in (q, k, v))
    expected = ((a @ b.transpose(-1, -2) / 2 + mask).softmax(-1) @ c).transpose(1, 2).reshape(2, 6, 8)
    torch.testing.assert_close(attention.optimized_attention(q, k, v, 2, mask), expected)
    torch.testing.assert_close(attention.optimized_attention(a, b, c, 2, mask, skip_reshape=True), expected)
    apart = attention.optimized_attention(a, b, c, 2, mask, skip_reshape=True, skip_output_reshape=True)
    torch.testing.assert_close(apart.transpose(1, 2).reshape(2, 6, 8), expected)
