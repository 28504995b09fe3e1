"""What an ``object_info`` entry says about a node's inputs: sockets, widgets, and the slots of ``widgets_values``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

InfoSource = Callable[[str], Mapping[str, Any] | None]
"""Answers with the ``object_info`` entry of a class type, or None for an unknown one."""

DYNAMIC_COMBO = "COMFY_DYNAMICCOMBO_V3"
DYNAMIC_SLOT = "COMFY_DYNAMICSLOT_V3"
AUTOGROW = "COMFY_AUTOGROW_V3"
MOST_GROWN = 100
"""Most inputs that one input grows to."""
WIDGET_TYPES = frozenset(
    {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "COLOR", DYNAMIC_COMBO}
    | {"AUDIO_RECORD", "AUDIO_UI", "WEBCAM", "LOAD_3D", "LOAD_3D_ANIMATION", "PREVIEW_3D", "IMAGEUPLOAD", "MARKDOWN"}
)
"""Input types that are widgets wherever they stand."""

OWN_OPTIONS = "options_prefix"
"""Option of a combo whose choices are kept in the workflow: texts called ``<prefix>1``, ``<prefix>2`` … that stand in
``widgets_values`` behind everything else."""

_UPLOADS = ("image_upload", "video_upload", "audio_upload", "file_upload", "animated_image_upload")
_SEEDS = ("seed", "noise_seed")


@dataclass(frozen=True)
class InputSpec:
    """One declared input: its name, its type (``COMBO`` for a list of choices) and its options."""

    name: str
    type: str
    options: Mapping[str, Any] = field(default_factory=dict)
    choices: tuple[Any, ...] = ()
    required: bool = True
    group: str = ""
    """The growing input it is a member of."""
    shown: bool = True
    """False for members that a node gets only as it grows."""

    @property
    def widget_type(self) -> str:
        kind = self.options.get("widgetType")
        return kind if isinstance(kind, str) else self.type

    @property
    def is_widget(self) -> bool:
        return self.widget_type in WIDGET_TYPES and not self.options.get("forceInput")

    @property
    def control_slots(self) -> int:
        """Extra places in ``widgets_values`` for "control after generate": 1 after an INT, 2 after a COMBO."""
        control = self.options.get("control_after_generate")
        if self.widget_type == "INT":
            return int(self.name in _SEEDS if control is None else bool(control))
        return 2 if self.widget_type == "COMBO" and control else 0

    @property
    def has_upload(self) -> bool:
        return self.widget_type == "COMBO" and any(self.options.get(key) for key in _UPLOADS)

    def default(self) -> Any:
        """The value a new node shows; None when there is none, as for a list of files that is empty."""
        stated = self.options.get("default")
        if self.widget_type in ("COMBO", DYNAMIC_COMBO):
            return stated if stated else next(iter(self.choices), None)
        if stated is not None:
            return stated
        return {"INT": 0, "FLOAT": 0, "BOOLEAN": False, "COLOR": "#000000"}.get(self.widget_type, "")


@dataclass(frozen=True)
class Slot:
    """One place in ``widgets_values``: a widget's value, or what stands behind it."""

    spec: InputSpec
    kind: str = "value"
    """``value``, ``control``, ``filter`` or ``upload``."""


def input_specs(entry: Mapping[str, Any]) -> list[InputSpec]:
    """The inputs of an ``object_info`` entry, required ones first, in their declared order."""
    declared = entry.get("input")
    if not isinstance(declared, Mapping):
        return []
    orders = entry.get("input_order")
    return _read_inputs(declared, "", orders if isinstance(orders, Mapping) else {})


def _read_inputs(declared: Mapping[str, Any], prefix: str, orders: Mapping[str, Any]) -> list[InputSpec]:
    found: list[InputSpec] = []
    for section in ("required", "optional"):
        inputs = declared.get(section)
        if not isinstance(inputs, Mapping):
            continue
        order = orders.get(section)
        first = [name for name in order if name in inputs] if isinstance(order, list) else []
        for name in [*first, *(name for name in inputs if name not in first)]:
            spec = _read_input(prefix + name, inputs[name], section == "required")
            found += _grown(spec) if spec.type == AUTOGROW else [spec]
    return found


def _grown(group: InputSpec) -> list[InputSpec]:
    """The sockets that an input which grows may have: ``<group>.<prefix>0`` …, or ``<group>.<name>``."""
    template = group.options.get("template")
    template = template if isinstance(template, Mapping) else {}
    sections = template.get("input")
    declared = _read_inputs(sections, "", {}) if isinstance(sections, Mapping) else []
    if not declared:
        return []
    names = template.get("names")
    if not isinstance(names, list):
        names = [f"{template.get('prefix', '')}{number}" for number in range(_count(template.get("max"), MOST_GROWN))]
    first = max(1, _count(template.get("min"), 1))
    options = {**declared[0].options, "forceInput": True}
    return [
        InputSpec(
            f"{group.name}.{name}", declared[0].type, options, (), group.required and n < first, group.name, n < first
        )
        for n, name in enumerate(names[:MOST_GROWN])
    ]


def _count(stated: Any, otherwise: int) -> int:
    return min(stated, MOST_GROWN) if isinstance(stated, int) and not isinstance(stated, bool) else otherwise


def _read_input(name: str, spec: Any, required: bool) -> InputSpec:
    parts = list(spec) if isinstance(spec, (list, tuple)) else [spec]
    kind = parts[0] if parts else "*"
    options = parts[1] if len(parts) > 1 and isinstance(parts[1], Mapping) else {}
    if isinstance(kind, (list, tuple)):
        return InputSpec(name, "COMBO", options, tuple(kind), required)
    choices = options.get("options")
    listed = choices if isinstance(choices, (list, tuple)) else ()
    if kind == DYNAMIC_COMBO:
        listed = [option.get("key") for option in listed if isinstance(option, Mapping)]
    return InputSpec(name, str(kind), options, tuple(listed), required)


def children(spec: InputSpec, value: Any) -> list[InputSpec]:
    """The inputs that a dynamic combo adds while ``value`` is chosen, or a dynamic slot while it is connected."""
    if spec.type == DYNAMIC_SLOT:
        inputs = spec.options.get("inputs") if value else None
        return _read_inputs(inputs, f"{spec.name}.", {}) if isinstance(inputs, Mapping) else []
    if spec.type != DYNAMIC_COMBO:
        return []
    for option in spec.options.get("options") or ():
        if isinstance(option, Mapping) and option.get("key") == value and isinstance(option.get("inputs"), Mapping):
            return _read_inputs(option["inputs"], f"{spec.name}.", {})
    return []


def widget_slots(
    specs: list[InputSpec],
    chosen: Callable[[str], Any],
    is_widget: Callable[[InputSpec], bool] = lambda spec: spec.is_widget,
) -> Iterator[Slot]:
    """The places of ``widgets_values`` in order. ``chosen(name)`` gives a dynamic input's value; it is asked only after
    the slot of that input was handed out, so a reader may fill its values as it goes."""
    uploads: list[InputSpec] = []
    work = list(reversed(specs))
    while work:
        spec = work.pop()
        if is_widget(spec):
            yield Slot(spec)
            for kind in ("control", "filter")[: spec.control_slots]:
                yield Slot(spec, kind)
            if spec.has_upload:
                uploads.append(spec)
        if spec.type in (DYNAMIC_COMBO, DYNAMIC_SLOT):
            work.extend(reversed(children(spec, chosen(spec.name))))
    for spec in uploads:
        yield Slot(spec, "upload")


def own_options(specs: list[InputSpec]) -> Iterator[str]:
    """The names of the choices that a node keeps itself, without end; none for a node that keeps none."""
    prefix = next((spec.options[OWN_OPTIONS] for spec in specs if isinstance(spec.options.get(OWN_OPTIONS), str)), None)
    return iter(()) if prefix is None else (f"{prefix}{number}" for number in count(1))
