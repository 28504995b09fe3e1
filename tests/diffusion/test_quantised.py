"""Weights in few bits, written as the formats say and read back."""

from __future__ import annotations

import json

import pytest
import torch

from comfy_notebook.diffusion.checkpoints.quantised import dequantised, rounded


def note(**about: object) -> torch.Tensor:
    return torch.tensor(list(json.dumps(about).encode()), dtype=torch.uint8)


WEIGHT = torch.randn(32, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("scale_name", ["scale_weight", "weight_scale"])
@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_scaled_fp8(scale_name: str, dtype: torch.dtype) -> None:
    scale = WEIGHT.abs().max() / torch.finfo(dtype).max
    file = {
        "a.weight": (WEIGHT / scale).to(dtype),
        f"a.{scale_name}": scale,
        "a.input_scale": torch.tensor(1.0),
        "a.bias": torch.zeros(32),
        "scaled_fp8": torch.zeros(2, dtype=dtype),
    }
    made = dequantised(file)
    assert made.keys() == {"a.weight", "a.bias"}
    step = 0.07 if dtype == torch.float8_e4m3fn else 0.14
    assert float(((made["a.weight"].float() - WEIGHT).abs() / (WEIGHT.abs() + 0.02)).max()) < step


def test_int8_with_a_scale_for_each_row() -> None:
    scale = WEIGHT.abs().amax(dim=1, keepdim=True) / 127
    file = {
        "a.weight": (WEIGHT / scale).round().to(torch.int8),
        "a.weight_scale": scale,
        "a.comfy_quant": note(format="int8"),
    }
    made = dequantised(file)["a.weight"].float()
    assert made.dtype == torch.float32
    assert float((made - WEIGHT).abs().max()) < float(scale.max()) * 1.5


def test_nvfp4_two_numbers_a_byte_and_a_scale_for_sixteen() -> None:
    values = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0])
    generator = torch.Generator().manual_seed(1)
    codes = torch.randint(0, 16, (128, 64), generator=generator)
    numbers = values[codes & 7] * torch.where(codes >= 8, -1.0, 1.0)
    scales = torch.randint(1, 9, (128, 4), generator=generator).float()
    packed = (codes[:, ::2] << 4 | codes[:, 1::2]).to(torch.uint8)
    expected = numbers.view(128, 4, 16) * scales[..., None] * 0.25
    # Tensor cores read scales in tiles of 128 x 4: row r of a tile lies at (r % 32) * 16 + (r // 32) * 4.
    tile = torch.zeros(512)
    for row in range(128):
        tile[(row % 32) * 16 + (row // 32) * 4 :][:4] = scales[row]
    file = {
        "a.weight": packed,
        "a.weight_scale": tile.reshape(128, 4).to(torch.float8_e4m3fn),
        "a.weight_scale_2": torch.tensor(0.25),
        "a.comfy_quant": note(format="nvfp4"),
    }
    torch.testing.assert_close(dequantised(file)["a.weight"].float(), expected.view(128, 64), rtol=1e-2, atol=1e-2)


def test_nvfp4_and_fp8_with_row_scales_as_black_forest_labs_write_them() -> None:
    utils = pytest.importorskip("diffusers.quantizers.bfl.utils", reason="this diffusers does not have the layout")
    packed, scale, overall = utils.quantize_nvfp4(WEIGHT)
    made = dequantised({"a.weight": packed, "a.weight_scale": scale, "a.weight_scale_2": overall})["a.weight"]
    expected = utils.dequantize_nvfp4(packed, scale, overall)
    torch.testing.assert_close(made.float(), expected, rtol=1e-2, atol=1e-2)
    weight, rows = utils.quantize_fp8r(WEIGHT)
    made = dequantised({"a.weight": weight, "a.weight_scale": rows})["a.weight"]
    torch.testing.assert_close(made.float(), utils.dequantize_fp8r(weight, rows), rtol=1e-2, atol=1e-2)


def test_files_without_scales_stay_as_they_are() -> None:
    file = {"a.weight": WEIGHT.to(torch.float8_e4m3fn), "b": torch.zeros(2)}
    made = dequantised(file)
    assert made["a.weight"].dtype == torch.float8_e4m3fn


def test_rounding_on_request() -> None:
    made = rounded({"a.weight": WEIGHT, "a.bias": WEIGHT[0]}, "fp8_e4m3fn")
    assert torch.equal(made["a.weight"].float(), WEIGHT.to(torch.float8_e4m3fn).float())
    assert torch.equal(made["a.bias"], WEIGHT[0])
    assert torch.equal(rounded({"a.weight": WEIGHT}, "default")["a.weight"], WEIGHT)
