"""Runs the network on conditionings: each on its window of the latent, as many in one call as memory allows."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from ...protocol.context import context
from .. import memory
from ..conds import on_device
from . import wrappers
from .masks import repeat_to_batch_size

if TYPE_CHECKING:
    from torch import Tensor

    from .conditioning import Cond

#: Over how many latent pixels the weight of an area grows from its edge; at most over a quarter of the area.
_FEATHER = 8


class Window(NamedTuple):
    """One conditioning on its part of the latent: ``area`` is ``(sizes…, places…)``, ``mult`` its weight there."""

    input_x: Tensor
    mult: Tensor
    conditioning: dict[str, Any]
    area: list[int] | None
    control: Any
    patches: dict[str, Any] | None
    uuid: Any
    strength: float = 1.0
    hooks: Any = None
    default: bool = False

    def covers_all(self) -> bool:
        """Whether it alone says what the answer is, everywhere: its weight is one positive number."""
        return self.area is None and self.strength > 0 and self.mult.stride() == (0,) * self.mult.ndim


def get_area_and_mult(conds: Cond, x_in: Tensor, timestep_in: Tensor) -> Window | None:
    """The window of a conditioning at a sigma; None where its time range leaves it out."""
    if "timestep_start" in conds and timestep_in[0] > conds["timestep_start"]:
        return None
    if "timestep_end" in conds and timestep_in[0] < conds["timestep_end"]:
        return None
    sides = x_in.shape[2:]
    area = _fitted(conds["area"], sides) if "area" in conds else None
    input_x = x_in if area is None else _cut(x_in, area)
    strength = conds.get("strength", 1.0)
    if "mask" in conds:
        mult = _masked(conds["mask"], conds.get("mask_strength", 1.0), input_x, area) * strength
    else:
        mult = input_x.new_full((), strength).expand_as(input_x)
        if area is not None:
            mult = mult.clone()
            _feather(mult, area, sides)
    conditioning = {
        name: cond.process_cond(batch_size=x_in.shape[0], area=area) for name, cond in conds["model_conds"].items()
    }
    patches = None
    if "gligen" in conds:
        kind, model, positions = conds["gligen"][:3]
        place = model.model.set_position if kind == "position" else model.model.set_empty
        batch = x_in.shape
        patches = {"middle_patch": [place(batch, positions, x_in.device)]}
    return Window(
        input_x, mult, conditioning, area, conds.get("control"), patches, conds.get("uuid"), strength,
        conds.get("hooks"), bool(conds.get("default")),
    )  # fmt: skip


def _fitted(area: Sequence[int], sides: Sequence[int]) -> list[int]:
    """An area of as many sides as the latent, within it."""
    half = len(area) // 2
    sizes, places = list(area[:half]), list(area[half:])
    if half < len(sides):  # an area of a picture, in a video: all of its frames
        missing = len(sides) - half
        sizes, places = [*sides[:missing], *sizes], [0] * missing + places
    elif half > len(sides):
        sizes, places = sizes[half - len(sides) :], places[half - len(sides) :]
    places = [max(0, min(place, side - 1)) for place, side in zip(places, sides, strict=True)]
    sizes = [max(1, min(side - place, size)) for size, place, side in zip(sizes, places, sides, strict=True)]
    return [*sizes, *places]


def _cut(x: Tensor, area: Sequence[int], first: int = 2) -> Tensor:
    half = len(area) // 2
    for side in range(half):
        x = x.narrow(side + first, area[half + side], area[side])
    return x


def _masked(mask: Tensor, strength: float, input_x: Tensor, area: Sequence[int] | None) -> Tensor:
    mask = repeat_to_batch_size(mask, input_x.shape[0])
    if area is not None:
        mask = _cut(mask, area, first=1)
    mask = (mask * strength).unsqueeze(1)
    return mask.expand(-1, input_x.shape[1], *[-1] * (mask.ndim - 2))


def _feather(mult: Tensor, area: Sequence[int], sides: Sequence[int]) -> None:
    """Let weights grow linearly from edges that lie inside the latent."""
    half = len(area) // 2
    for side in range(half):
        size, place = area[side], area[half + side]
        width = min(_FEATHER, size // 4)
        for step in range(width):
            weight = (step + 1) / width
            if place != 0:
                mult.narrow(side + 2, step, 1).mul_(weight)
            if place + size < sides[side]:
                mult.narrow(side + 2, size - 1 - step, 1).mul_(weight)


def can_concat_cond(one: Window, other: Window) -> bool:
    """Whether two windows can go through the network in one call."""
    if one.input_x.shape != other.input_x.shape or one.control is not other.control:
        return False
    if one.hooks is not other.hooks:
        return False
    if (one.patches is None) != (other.patches is None) or (one.patches is not None and one.patches != other.patches):
        return False
    mine, its = one.conditioning, other.conditioning
    return mine.keys() == its.keys() and all(mine[name].can_concat(its[name]) for name in mine)


def cond_cat(conditionings: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The arguments of one call, from those of each of its parts."""
    first, *rest = conditionings
    return {name: value.concat([other[name] for other in rest]) for name, value in first.items()}


def calc_cond_batch(
    model: Any, conds: Sequence[list[Cond] | None], x_in: Tensor, timestep: Tensor, model_options: dict[str, Any]
) -> list[Tensor]:
    """The denoised latent for each of ``conds`` (one list of conditionings each; None gives zeros)."""
    run = wrappers.wrapped(wrappers.WrappersMP.CALC_COND_BATCH, model_options, _calc_cond_batch)
    return run(model, conds, x_in, timestep, model_options)  # type: ignore[no-any-return]


def _calc_cond_batch(
    model: Any, conds: Sequence[list[Cond] | None], x_in: Tensor, timestep: Tensor, model_options: dict[str, Any]
) -> list[Tensor]:
    from . import samplers

    waiting: list[tuple[Window, int]] = []
    for index, entries in enumerate(conds):
        for entry in entries or []:
            window = samplers.get_area_and_mult(entry, x_in, timestep)
            if window is not None:
                waiting.append((window, index))
    waiting = where_no_other_holds(waiting, x_in)
    answers: list[list[tuple[Tensor, Window]]] = [[] for _ in conds]
    while waiting:
        context().check_interrupted()
        batch = _next_batch(model, waiting)
        _apply_hooks(model, batch[0][0].hooks, timestep)
        outputs = _run(model, batch, timestep, model_options)
        for output, (window, index) in zip(outputs, batch, strict=True):
            answers[index].append((output, window))
    return [_combined(x_in, parts) for parts in answers]


def where_no_other_holds(waiting: list[tuple[Window, int]], x_in: Tensor) -> list[tuple[Window, int]]:
    """``waiting`` with the weights of default conditionings on what the others of the same list leave free."""
    if not any(window.default for window, _ in waiting):
        return waiting
    free: dict[int, Tensor] = {}
    for window, index in waiting:
        left = free.setdefault(index, torch.ones_like(x_in))
        if not window.default:
            part = left if window.area is None else _cut(left, window.area)
            part -= window.mult
    made = []
    for window, index in waiting:
        if window.default:
            left = free[index].clamp(min=0.0)
            mult = window.mult * (left if window.area is None else _cut(left, window.area))
            if not bool(mult.any()):
                continue
            window = window._replace(mult=mult)  # noqa: PLW2901
        made.append((window, index))
    return made


def _apply_hooks(model: Any, hooks: Any, timestep: Tensor) -> None:
    """Give the network the weights that ``hooks`` ask for at this noise level, none for None."""
    patcher = getattr(model, "current_patcher", None)
    hooked = None if patcher is None else patcher.hooked_weights
    if hooked is None:
        return
    sigma, to_sigma = float(timestep.flatten()[0]), model.model_sampling.percent_to_sigma
    hooked.apply([] if hooks is None else hooks.strengths(lambda percent: sigma <= float(to_sigma(percent))))


def _combined(x_in: Tensor, parts: list[tuple[Tensor, Window]]) -> Tensor:
    """The mean of the answers by their weights; where none holds, zero."""
    if len(parts) == 1 and parts[0][1].covers_all():
        return parts[0][0].to(x_in.dtype)
    total, weight = torch.zeros_like(x_in), torch.full_like(x_in, 1e-37)
    for output, window in parts:
        part, share = total, weight
        if window.area is not None:
            part, share = _cut(total, window.area), _cut(weight, window.area)
        part += output * window.mult
        share += window.mult
    return total.div_(weight)


def _next_batch(model: Any, waiting: list[tuple[Window, int]]) -> list[tuple[Window, int]]:
    """Take from ``waiting`` what goes into the next call: all that fit together, and into memory; the last first."""
    first = waiting[0][0]
    fitting = [place for place, (window, _) in enumerate(waiting) if can_concat_cond(first, window)][::-1]
    count = len(fitting)
    if count > 1:
        free = _free_bytes(first.input_x.device)
        shape = list(first.input_x.shape)
        while count > 1 and model.memory_required([count * shape[0], *shape[1:]]) * 1.5 >= free:
            count = -(-count // 2)
    return [waiting.pop(place) for place in fitting[:count]]


#: Device → how often models had been placed when it was asked for its free bytes, and the answer.
_free: dict[Any, tuple[int, int]] = {}


def _free_bytes(device: Any) -> int:
    """As :func:`.memory.free_bytes`, which is slow on a GPU, asked once after models were placed."""
    known = _free.get(device)
    if known is None or known[0] != memory.placements or not memory.has_own_memory(device):
        known = _free[device] = memory.placements, memory.free_bytes(device)
    return known[1]


def _run(
    model: Any, batch: list[tuple[Window, int]], timestep: Tensor, model_options: dict[str, Any]
) -> Sequence[Tensor]:
    """One call of the network for a batch; on a full device other models go and each part gets a call of its own."""
    try:
        return _call(model, batch, timestep, model_options)
    except (RuntimeError, MemoryError) as error:
        if not memory.is_out_of_memory(error):
            raise
    keep = SimpleNamespace(model=model)  # as much of a patcher as tells which model stays
    memory.free_memory(1 << 62, batch[0][0].input_x.device, [keep])
    memory.soft_empty_cache()
    made: list[Tensor] = []
    for part in batch:
        with memory.out_of_memory_as_error("run the model"):
            made += _call(model, [part], timestep, model_options)
    return made


def _call(
    model: Any, batch: list[tuple[Window, int]], timestep: Tensor, model_options: dict[str, Any]
) -> Sequence[Tensor]:
    windows = [window for window, _ in batch]
    which = [index for _, index in batch]
    chunks = len(windows)
    input_x = torch.cat([window.input_x for window in windows])
    timesteps = torch.cat([timestep] * chunks)
    arguments = {
        name: on_device(value, input_x.device)
        for name, value in cond_cat([window.conditioning for window in windows]).items()
    }
    options = dict(model_options.get("transformer_options", {}))
    if windows[0].patches is not None:
        merged = dict(options.get("patches", {}))
        for name, patches in windows[0].patches.items():
            merged[name] = [*merged.get(name, []), *patches]
        options["patches"] = merged
    options["cond_or_uncond"] = which
    options["uuids"] = [window.uuid for window in windows]
    options["sigmas"] = timestep
    arguments["transformer_options"] = options
    if windows[0].control is not None:
        arguments["control"] = windows[0].control.get_control(input_x, timesteps, arguments, chunks, options)
    apply_model = wrappers.wrapped(wrappers.WrappersMP.APPLY_MODEL, model_options, model.apply_model, model)
    if "model_function_wrapper" in model_options:
        given = {"input": input_x, "timestep": timesteps, "c": arguments, "cond_or_uncond": which}
        output = model_options["model_function_wrapper"](apply_model, given)
    else:
        output = apply_model(input_x, timesteps, **arguments)
    return output.chunk(chunks)  # type: ignore[no-any-return]
