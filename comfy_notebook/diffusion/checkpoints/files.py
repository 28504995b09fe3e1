"""Weights in files: safetensors checked before they are read, pickles only where the user allows them."""

from __future__ import annotations

import json
import math
import mmap
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SAFETENSORS = (".safetensors", ".sft")
#: Set to 1 to open pickled weights (``.ckpt``, ``.pt``, ``.pth``, ``.bin``).
ALLOW_PICKLE = "COMFY_NOTEBOOK_ALLOW_PICKLE"
_LONGEST_HEADER = 100 * 1024 * 1024
#: Keys under which training programs nest the weights.
_NESTED = ("state_dict", "params_ema", "params-ema", "params", "model", "module", "net")


class WeightsError(ValueError):
    """A file of weights that can't be used; the text says why, and what would help."""


def read_weights(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The tensors of a file on the CPU, and its metadata.

    Raises :class:`WeightsError` for files that are cut off, no weights at all, or pickles the user did not allow.
    """
    if path.suffix.lower() in SAFETENSORS:
        return _read_safetensors(path)
    if path.suffix.lower() == ".gguf":
        raise WeightsError(f"{path.name} is a GGUF file, which is not read here; use the .safetensors of this model")
    return _read_pickle(path), {}


def read_header(path: Path) -> dict[str, Any]:
    """The header of a safetensors file: name → dtype, shape, data_offsets (and ``__metadata__``)."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or not 2 <= length <= _LONGEST_HEADER:
            raise WeightsError(f"{path.name} is no safetensors file{_what_it_is(path)}")
        if length + 8 > size:
            raise WeightsError(_cut_off(path, length + 8, size))
        text = file.read(length)
    try:
        header = json.loads(text)
    except ValueError as error:
        raise WeightsError(f"{path.name} is no safetensors file{_what_it_is(path)}") from error
    if not isinstance(header, dict):
        raise WeightsError(f"{path.name} is no safetensors file{_what_it_is(path)}")
    needed = 8 + length + max((_end(path, name, entry) for name, entry in header.items()), default=0)
    if needed > size:
        raise WeightsError(_cut_off(path, needed, size))
    return header


def _end(path: Path, name: str, entry: Any) -> int:
    if name == "__metadata__":
        return 0
    try:
        return int(entry["data_offsets"][1])
    except (TypeError, KeyError, IndexError, ValueError) as error:
        raise WeightsError(f"{path.name} is damaged: its header does not say where {name!r} lies") from error


def _cut_off(path: Path, needed: int, size: int) -> str:
    return (
        f"{path.name} is cut off: it should have {needed:,} bytes and has {size:,}. The download did not finish; "
        "fetch the file again"
    )


def _what_it_is(path: Path) -> str:
    with open(path, "rb") as file:
        start = file.read(64)
    if not start:
        return ": it is empty"
    if start[:2] == b"PK" or start[:1] == b"\x80":
        return ": it is a pickle that was renamed"
    if start.lstrip()[:1] == b"<":
        return ": it is a web page. The download brought an error or login page instead of the file"
    if start.startswith(b"version https://git-lfs"):
        return ": it is a Git LFS pointer. Fetch the file itself (git lfs pull)"
    return ""


#: safetensors' names of dtypes → torch's.
_DTYPES = {
    **{"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"},
    **{"F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu"},
    **{"I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool"},
    **{"U16": "uint16", "U32": "uint32", "U64": "uint64"},
}


def _read_safetensors(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The tensors lie in the file's own pages, which are read when they are used; writing to one copies its page."""
    header = read_header(path)
    metadata = header.pop("__metadata__", None) or {}
    with open(path, "rb") as file:
        start = 8 + int.from_bytes(file.read(8), "little")
        pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return {name: _tensor(path, name, entry, pages, start) for name, entry in header.items()}, metadata


def _tensor(path: Path, name: str, entry: Any, pages: mmap.mmap, start: int) -> Any:
    import torch

    try:
        dtype = getattr(torch, _DTYPES[entry["dtype"]])
        first, last = entry["data_offsets"]
        shape = [int(side) for side in entry["shape"]]
        count = math.prod(shape)
        if (last - first) != count * dtype.itemsize or first < 0:
            raise ValueError(f"{last - first} bytes for {count} numbers")
        if count == 0:
            return torch.empty(shape, dtype=dtype)
        return torch.frombuffer(pages, dtype=dtype, count=count, offset=start + first).reshape(shape)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(f"{path.name} is damaged: {name!r} can't be read ({error})") from error


def missing_extra(package: str) -> str:
    """What to say where an optional package is not installed."""
    return f"this needs the package {package}, which is not installed: pip install 'comfy-notebook[diffusion]'"


def _read_pickle(path: Path) -> dict[str, Any]:
    return flat_weights(read_nested(path), path.name)


def read_nested(path: Path) -> Any:
    """What a pickle holds: tensors in dicts and lists. Raises :class:`WeightsError` while pickles are refused."""
    import torch

    if os.environ.get(ALLOW_PICKLE) != "1":
        raise WeightsError(
            f"{path.name} is a pickle, a format that can run code when opened. Use the .safetensors file of this "
            f"model, or set the environment variable {ALLOW_PICKLE}=1 to read such files (tensors only, no code)"
        )
    try:
        with torch.serialization.safe_globals([torch.nn.ParameterDict]):  # as the first textual inversions were saved
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:  # torch's words advise to run the code
        raise WeightsError(
            f"{path.name} holds more than weights, such as code, or is damaged: it is not read"
        ) from error
    except Exception as error:
        raise WeightsError(f"{path.name} holds more than weights, or is damaged: {error}") from error


def flat_weights(loaded: Any, name: str) -> dict[str, Any]:
    """The dict of tensors inside what a training program saved."""
    import torch

    while isinstance(loaded, Mapping) and (inner := next((key for key in _NESTED if _is_dict(loaded, key)), None)):
        loaded = loaded[inner]
    if not isinstance(loaded, Mapping):
        raise WeightsError(f"{name} holds no weights by name")
    return {str(key): value for key, value in loaded.items() if isinstance(value, torch.Tensor)}


def _is_dict(value: Mapping[Any, Any], key: str) -> bool:
    return isinstance(value.get(key), Mapping)


def write_weights(weights: Mapping[str, Any], path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write safetensors under a name of its own first, so that a file is there whole or not at all."""
    try:
        from safetensors.torch import save_file  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise WeightsError(missing_extra("safetensors")) from error
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        save_file(
            {key: value.contiguous() for key, value in weights.items()}, unfinished, metadata=dict(metadata or {})
        )
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
