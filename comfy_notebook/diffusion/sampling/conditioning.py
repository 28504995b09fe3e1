"""CONDITIONING made ready for a run of the sampler: areas in latent pixels, masks at its size, sigmas for percentages,
and the arguments that the network takes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .. import conds as conds_of
from . import masks

if TYPE_CHECKING:
    from torch import Tensor

#: What an entry of CONDITIONING is here: its dict, with the tensor as ``cross_attn``.
Cond = dict[str, Any]
Conds = dict[str, list[Cond]]


def convert_cond(cond: Sequence[Any]) -> list[Cond]:
    """CONDITIONING as dicts of their own."""
    converted = []
    for tensor, known, *_ in cond:
        entry = dict(known)
        if tensor is not None:
            entry["cross_attn"] = tensor
        entry["model_conds"] = entry.get("model_conds", {})
        entry["uuid"] = uuid.uuid4()
        converted.append(entry)
    return converted


def resolve_areas_and_cond_masks_multidim(conditions: list[Cond], dims: Sequence[int], device: Any) -> None:
    """Areas in percent become latent pixels, masks the size of the latent, in place (entries are replaced)."""
    for index, cond in enumerate(conditions):
        found: Cond = {}
        if "area" in cond and cond["area"][0] == "percentage":
            found["area"] = _pixels_of(cond["area"][1:], dims)
        if "mask" in cond:
            found["mask"] = masks.conditioning_mask(cond["mask"].to(device=device), dims)
            if cond.get("set_area_to_bounds", False):
                found["area"] = masks.bounds(found["mask"])
        conditions[index] = {**cond, **found}


def _pixels_of(area: Sequence[float], dims: Sequence[int]) -> tuple[int, ...]:
    """``(height, width, y, x)`` (or with a time before each pair) from shares of ``dims``."""
    half = len(area) // 2
    sizes, places = list(area[:half]), list(area[half:])
    if half < len(dims):  # an area of a picture, in a video: all of its frames
        missing = len(dims) - half
        sizes, places = [1.0] * missing + sizes, [0.0] * missing + places
    elif half > len(dims):
        sizes, places = sizes[half - len(dims) :], places[half - len(dims) :]
    pixels = [max(1, round(size * side)) for size, side in zip(sizes, dims, strict=True)]
    return (*pixels, *(round(place * side) for place, side in zip(places, dims, strict=True)))


def calculate_start_end_timesteps(model: Any, conds: list[Cond]) -> None:
    """``start_percent`` and ``end_percent`` as sigmas, ``timestep_start`` and ``timestep_end``, in place."""
    sampling = model.model_sampling
    for index, cond in enumerate(conds):
        found = {}
        for name, inner in (("start", max), ("end", min)):
            # What text encoders under scheduled hooks made holds in its part of sampling alone.
            given = [cond[key] for key in (f"{name}_percent", f"clip_{name}_percent") if key in cond]
            if given:
                found[f"timestep_{name}"] = sampling.percent_to_sigma(inner(given))
        if found:
            conds[index] = {**cond, **found}


def encode_model_conds(
    model_function: Callable[..., dict[str, Any]],
    conds: list[Cond],
    noise: Tensor,
    device: Any,
    prompt_type: str,
    **more: Any,
) -> list[Cond]:
    """``conds`` with ``model_conds``: what ``model_function`` (``extra_conds`` of a model) makes of each."""
    for index, cond in enumerate(conds):
        given = {
            **more,
            **cond,
            "device": device,
            "noise": noise,
            "width": cond.get("width", noise.shape[-1] * 8),
            "height": cond.get("height", noise.shape[-2] * 8 if noise.ndim > 3 else None),
            "prompt_type": cond.get("prompt_type", prompt_type),
        }
        found = model_function(**given)
        made = {key: conds_of.placed(value, device) for key, value in found.items() if value is not None}
        conds[index] = {**cond, "model_conds": {**cond["model_conds"], **made}}
    return conds


def create_cond_with_same_area_if_none(conds: list[Cond], cond: Cond) -> None:
    """Add to ``conds`` one that has the area of ``cond``, so that guidance finds an opposite there.

    It is what ``conds`` say about the smallest area around it.
    """
    if "area" not in cond:
        return
    area = cond["area"]
    whole = [other for other in conds if "area" not in other]
    around = [other for other in conds if "area" in other and _lies_inside(area, other["area"])]
    around.sort(key=lambda other: _content(other["area"]))
    chosen = (around or whole)[:1]
    if not chosen or chosen[0].get("area") == area:
        return
    conds.append({**cond, "model_conds": dict(chosen[0]["model_conds"])})


def _content(area: Sequence[int]) -> int:
    content = 1
    for side in area[: len(area) // 2]:
        content *= side
    return content


def _lies_inside(inner: Sequence[int], outer: Sequence[int]) -> bool:
    half = len(inner) // 2
    if len(outer) != len(inner):
        return False
    return all(
        inner[half + side] >= outer[half + side]
        and inner[half + side] + inner[side] <= outer[half + side] + outer[side]
        for side in range(half)
    )


def apply_empty_x_to_equal_area(
    conds: Iterable[Cond], uncond: list[Cond], name: str, uncond_fill_func: Callable[[list[Any], int], Any]
) -> None:
    """Give entries of ``uncond`` what ``conds`` have under ``name`` (a control net, say), one after another."""
    values = [cond[name] for cond in conds if cond.get(name) is not None and "area" not in cond]
    whole = [index for index, cond in enumerate(uncond) if "area" not in cond]
    if not whole or any(uncond[index].get(name) is not None for index in whole):
        return
    for number in range(len(values)):
        index = whole[number % len(whole)]
        uncond[index] = {**uncond[index], name: uncond_fill_func(values, number)}


def pre_run_control(model: Any, conds: list[Cond]) -> None:
    """Tell control nets that a run begins."""
    for cond in conds:
        if cond.get("control") is not None:
            cond["control"].pre_run(model, model.model_sampling.percent_to_sigma)


def process_conds(
    model: Any,
    noise: Tensor,
    conds: Conds,
    device: Any,
    latent_image: Tensor | None = None,
    denoise_mask: Tensor | None = None,
    seed: int | None = None,
) -> Conds:
    """All conditionings of a run (``positive``, ``negative`` …) ready for the network."""
    conds = {name: list(entries) for name, entries in conds.items()}
    for entries in conds.values():
        resolve_areas_and_cond_masks_multidim(entries, noise.shape[2:], device)
        calculate_start_end_timesteps(model, entries)
    if hasattr(model, "extra_conds"):
        for name, entries in conds.items():
            encode_model_conds(
                model.extra_conds, entries, noise, device, name,
                latent_image=latent_image, denoise_mask=denoise_mask, seed=seed,
            )  # fmt: skip
    for name, entries in conds.items():
        for cond in list(entries):
            for other, opposite in conds.items():
                if other != name:
                    create_cond_with_same_area_if_none(opposite, cond)
    for entries in conds.values():
        pre_run_control(model, entries)
    positive = conds.get("positive", [])
    for name, entries in conds.items():
        if name != "positive":
            controlled = [cond for cond in positive if cond.get("control_apply_to_uncond", False)]
            apply_empty_x_to_equal_area(controlled, entries, "control", lambda values, index: values[index])
            apply_empty_x_to_equal_area(positive, entries, "gligen", lambda values, index: values[index])
    return conds
