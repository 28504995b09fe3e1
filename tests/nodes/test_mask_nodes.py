"""The mask nodes on small tensors whose results follow from what the nodes say they do."""

from __future__ import annotations

import pytest
import torch

from comfy_notebook.nodes import mask

SOFT = torch.rand(2, 10, 14, generator=torch.Generator().manual_seed(0))


def dot(size: int = 11) -> torch.Tensor:
    single = torch.zeros(1, size, size)
    single[0, size // 2, size // 2] = 1
    return single


def distances(size: int = 11) -> tuple[torch.Tensor, torch.Tensor]:
    axis = (torch.arange(size) - size // 2).abs()
    return axis[:, None] + axis, torch.maximum(axis[:, None].expand(size, size), axis.expand(size, size))


@pytest.mark.parametrize("steps", [1, 3, 50])
def test_a_dot_grows_to_a_diamond_or_a_square(steps: int) -> None:
    diamond, square = distances()
    assert torch.equal(mask.GrowMask().expand_mask(dot(), steps, True)[0][0], (diamond <= steps).float())
    assert torch.equal(mask.GrowMask().expand_mask(dot(), steps, False)[0][0], (square <= steps).float())


def test_shrinking_is_growing_of_the_inverse() -> None:
    (shrunk,) = mask.GrowMask().expand_mask(SOFT, -2, True)
    (grown,) = mask.GrowMask().expand_mask(1 - SOFT, 2, True)
    assert torch.allclose(shrunk, 1 - grown, atol=1e-6)
    assert torch.equal(mask.GrowMask().expand_mask(SOFT, 0, True)[0], SOFT)


def test_flat_masks_are_taken_as_one() -> None:
    flat = SOFT[0]
    assert mask.GrowMask().expand_mask(flat, 1, True)[0].shape == (1, 10, 14)
    assert mask.MaskToImage().mask_to_image(flat)[0].shape == (1, 10, 14, 3)
    assert mask.CropMask().crop(flat, 1, 2, 3, 4)[0].shape == (1, 4, 3)
    assert mask.FeatherMask().feather(flat, 1, 1, 1, 1)[0].shape == (1, 10, 14)


def test_inverting_twice() -> None:
    node = mask.InvertMask()
    assert torch.allclose(node.invert(node.invert(SOFT)[0])[0], SOFT, atol=1e-7)


def test_there_and_back() -> None:
    (image,) = mask.MaskToImage().mask_to_image(SOFT)
    for channel in ("red", "green", "blue"):
        assert torch.equal(mask.ImageToMask().image_to_mask(image, channel)[0], SOFT)
    with pytest.raises(ValueError, match="no alpha channel"):
        mask.ImageToMask().image_to_mask(image, "alpha")


def test_colour() -> None:
    image = torch.zeros(1, 2, 2, 3)
    image[0, 0, 1] = torch.tensor([0x12, 0x34, 0x56]) / 255
    assert mask.ImageColorToMask().image_to_mask(image, 0x123456)[0].tolist() == [[[0, 1], [0, 0]]]


def test_crop() -> None:
    assert torch.equal(mask.CropMask().crop(SOFT, 3, 2, 4, 100)[0], SOFT[:, 2:, 3:7])
    with pytest.raises(ValueError, match="14 x 10"):
        mask.CropMask().crop(SOFT, 14, 0, 4, 4)


@pytest.mark.parametrize("operation", ["multiply", "add", "subtract", "and", "or", "xor"])
@pytest.mark.parametrize("batch", [1, 2, 3])
def test_combine(operation: str, batch: int) -> None:
    source = torch.rand(batch, 4, 5, generator=torch.Generator().manual_seed(batch))
    (combined,) = mask.MaskComposite().combine(SOFT, source, 11, 3, operation)
    untouched = torch.ones(10, 14, dtype=torch.bool)
    untouched[3:7, 11:] = False
    assert torch.equal(combined[:, untouched], SOFT[:, untouched])
    below = SOFT[:, 3:7, 11:].double()
    above = source[[index % batch for index in range(2)], :, :3].double()
    on_below, on_above = below > 0.5, above > 0.5
    expected = {
        "multiply": below * above,
        "add": (below + above).clamp(max=1),
        "subtract": (below - above).clamp(min=0),
        "and": (on_below & on_above).double(),
        "or": (on_below | on_above).double(),
        "xor": (on_below ^ on_above).double(),
    }[operation]
    assert torch.allclose(combined[:, 3:7, 11:].double(), expected, atol=1e-6)


def test_feather() -> None:
    (faded,) = mask.FeatherMask().feather(torch.ones(1, 8, 10), 4, 2, 0, 0)
    assert faded[0, 7].tolist() == [0.25, 0.5, 0.75, *[1] * 7]
    assert faded[0, :, 9].tolist() == [0.5, *[1] * 7]
    (more,) = mask.FeatherMask().feather(torch.ones(1, 8, 10), 100, 0, 100, 0)
    assert more.max() <= 1


def test_threshold_and_solid() -> None:
    (solid,) = mask.SolidMask().solid(0.5, 4, 3)
    assert solid.shape == (1, 3, 4)
    assert not mask.ThresholdMask().image_to_mask(solid, 0.5)[0].any()
    assert mask.ThresholdMask().image_to_mask(solid, 0.49)[0].all()


class TestCropToMask:
    NODE = mask.ImageCropToMask()

    def test_what_the_mask_shows_fills_the_result(self) -> None:
        image, shown = torch.zeros(1, 200, 300, 3), torch.zeros(1, 200, 300)
        image[:, 50:114, 100:164] = 1
        shown[:, 50:114, 100:164] = 1
        (cut,) = self.NODE.crop(image, shown, 64, 64, 1.0, 0, "#ff0000")
        assert (cut == 1).all()

    def test_background_and_room(self) -> None:
        image, shown = torch.zeros(2, 100, 100, 3), torch.zeros(1, 50, 50)
        shown[:, 20:30, 0:10] = 1  # half the size: scaled to the image
        (cut,) = self.NODE.crop(image, shown, 128, 64, 2.0, 0, "#00ff00")
        assert cut.shape == (2, 64, 128, 3)
        assert cut[:, 0, 0].tolist() == [[0, 1, 0]] * 2
        assert cut[:, 32, 64].tolist() == [[0, 0, 0]] * 2

    def test_an_empty_mask_is_all_background(self) -> None:
        (cut,) = self.NODE.crop(torch.zeros(1, 80, 80, 3), torch.zeros(1, 80, 80), 64, 64, 1.0, 0, "#fff")
        assert torch.allclose(cut, torch.ones(1, 64, 64, 3))

    def test_a_ribbon_of_a_large_image_needs_no_larger_canvas(self) -> None:
        side = 1_600  # the rectangle to cut is 64 times as wide: 2 GB if it were made
        (cut,) = self.NODE.crop(torch.ones(1, side, side, 3), torch.ones(1, side, side), 4096, 64, 1.0, 0, "#0000ff")
        assert cut.shape == (1, 64, 4096, 3)
        middle = slice(2048 - 32, 2048 + 32)
        assert (cut[:, :, middle] == 1).all()
        assert cut[:, :, :, 0].sum() == 64 * 64

    @pytest.mark.parametrize(("masks", "colour", "message"), [(3, "#000000", "3 masks"), (1, "green!", "#rrggbb")])
    def test_refused(self, masks: int, colour: str, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            self.NODE.crop(torch.zeros(2, 9, 9, 3), torch.zeros(masks, 9, 9), 64, 64, 1.0, 0, colour)
