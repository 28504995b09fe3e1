"""The image nodes on small tensors whose results follow from what the nodes say they do."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from comfy_notebook.nodes import image_adjust, image_batch, image_composite, image_resize, image_scale, image_transform
from comfy_notebook.nodes.ops import quantize, resize, tiles


def random_image(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


IMAGE = random_image(2, 12, 20, 3)


class TestScale:
    @pytest.mark.parametrize("method", resize.METHODS)
    def test_a_flat_image_stays_flat(self, method: str) -> None:
        flat = torch.full((1, 10, 14, 3), 51 / 255)
        (scaled,) = image_scale.ImageScale().upscale(flat, method, 33, 7, "disabled")
        assert scaled.shape == (1, 7, 33, 3)
        assert torch.allclose(scaled, torch.tensor(51 / 255), atol=1e-6)

    def test_nearest_doubling_repeats_pixels(self) -> None:
        (scaled,) = image_scale.ImageScaleBy().upscale(IMAGE, "nearest-exact", 2.0)
        assert torch.equal(scaled, IMAGE.repeat_interleave(2, 1).repeat_interleave(2, 2))

    def test_area_halving_averages(self) -> None:
        (scaled,) = image_scale.ImageScaleBy().upscale(IMAGE, "area", 0.5)
        means = IMAGE.reshape(2, 6, 2, 10, 2, 3).mean((2, 4))
        assert torch.allclose(scaled, means, atol=1e-6)

    def test_centre_crop_keeps_the_middle(self) -> None:
        (scaled,) = image_scale.ImageScale().upscale(IMAGE, "nearest-exact", 12, 12, "center")
        assert torch.equal(scaled, IMAGE[:, :, 4:16])

    @pytest.mark.parametrize("method", resize.METHODS)
    @pytest.mark.parametrize(("size", "target"), [
        ((1, 40), (5, 90)), ((1, 41), (5, 90)), ((9, 14), (5, 90)), ((40, 1), (90, 5)), ((41, 1), (90, 5)),
    ])  # fmt: skip
    def test_a_crop_thinner_than_a_pixel_keeps_the_middle(
        self, method: str, size: tuple[int, int], target: tuple[int, int]
    ) -> None:
        """The middle row or column, or the two beside the middle; everything else is white here."""
        middle = [slice((side - 1) // 2, side // 2 + 1) if side == max(size) else slice(None) for side in size]
        image = torch.ones(1, *size, 3)
        image[:, middle[0], middle[1]] = 51 / 255
        (scaled,) = image_scale.ImageScale().upscale(image, method, *target, "center")
        assert scaled.shape == (1, target[1], target[0], 3)
        assert torch.allclose(scaled, torch.tensor(51 / 255), atol=1e-6)

    def test_sides_of_zero(self) -> None:
        node = image_scale.ImageScale()
        assert node.upscale(IMAGE, "area", 0, 0, "disabled")[0] is IMAGE
        assert node.upscale(IMAGE, "area", 10, 0, "disabled")[0].shape == (2, 6, 10, 3)

    def test_tiny_factor_keeps_a_pixel(self) -> None:
        assert image_scale.ImageScaleBy().upscale(IMAGE, "area", 0.01)[0].shape == (2, 1, 1, 3)

    @pytest.mark.parametrize("channels", [1, 3, 4])
    def test_lanczos_of_any_channel_count(self, channels: int) -> None:
        (scaled,) = image_scale.ImageScale().upscale(random_image(1, 8, 8, channels), "lanczos", 5, 9, "disabled")
        assert scaled.shape == (1, 9, 5, channels)

    def test_frames_are_scaled_one_by_one(self) -> None:
        film = random_image(2, 4, 3, 8, 10)
        scaled = resize.resize(film, 5, 4, "bilinear")
        assert scaled.shape == (2, 4, 3, 4, 5)
        assert torch.allclose(scaled[1, :, 2], resize.resize(film[1:, :, 2], 5, 4, "bilinear")[0])

    def test_bislerp_keeps_the_length_of_vectors(self) -> None:
        unit = torch.nn.functional.normalize(torch.randn(1, 4, 6, 6, generator=torch.Generator().manual_seed(2)), dim=1)
        scaled = resize.resize(unit, 13, 9, "bislerp")
        assert torch.allclose(scaled.norm(dim=1), torch.ones(1, 9, 13), atol=1e-3)
        assert torch.allclose(resize.resize(unit, 6, 6, "bislerp"), unit, atol=1e-5)

    @pytest.mark.parametrize(("width", "height", "method"), [(0, 5, "area"), (5, 5, "magic")])
    def test_refused(self, width: int, height: int, method: str) -> None:
        with pytest.raises(ValueError, match=r"pixels|magic"):
            resize.resize(torch.zeros(1, 3, 4, 4), width, height, method)

    def test_pad_centres(self) -> None:
        (fitted,) = image_scale.ResizeAndPadImage().resize_and_pad(IMAGE, 20, 20, "white", "area")
        assert torch.equal(fitted[:, 4:16], IMAGE)
        assert fitted[:, :4].min() == fitted[:, 16:].min() == 1

    def test_longer_edge(self) -> None:
        assert image_scale.ResizeImagesByLongerEdge().resize(IMAGE, 40)[0].shape == (2, 24, 40, 3)
        assert image_scale.ResizeImagesByLongerEdge().resize(IMAGE.movedim(1, 2), 40)[0].shape == (2, 40, 24, 3)


class TestResizeImageMask:
    NODE = image_resize.ResizeImageMaskNode()

    @pytest.mark.parametrize(
        ("key", "children", "size"),
        [
            ("scale dimensions", {"width": 7, "height": 5, "crop": "center"}, (5, 7)),
            ("scale dimensions", {"width": 10, "height": 0, "crop": "center"}, (6, 10)),
            ("scale dimensions", {"width": 0, "height": 0, "crop": "disabled"}, (12, 20)),
            ("scale by multiplier", {"multiplier": 1.5}, (18, 30)),
            ("scale longer dimension", {"longer_size": 30}, (18, 30)),
            ("scale shorter dimension", {"shorter_size": 6}, (6, 10)),
            ("scale width", {"width": 5}, (3, 5)),
            ("scale height", {"height": 24}, (24, 40)),
            ("scale total pixels", {"megapixels": 0.01}, (79, 132)),
            ("match size", {"match": torch.zeros(1, 9, 4, 3), "crop": "disabled"}, (9, 4)),
            ("match size", {"match": torch.zeros(3, 9, 4), "crop": "center"}, (9, 4)),
            ("scale to multiple", {"multiple": 8}, (8, 16)),
        ],
    )
    def test_sizes(self, key: str, children: dict[str, Any], size: tuple[int, int]) -> None:
        flat = {f"resize_type.{name}": value for name, value in children.items()}
        (image,) = self.NODE.resize(IMAGE, key, "area", **flat)
        assert image.shape == (2, *size, 3)
        (mask,) = self.NODE.resize(IMAGE[..., 0], {"resize_type": key, **children}, "bilinear")
        assert mask.shape == (2, *size)

    def test_what_is_missing_is_named(self) -> None:
        with pytest.raises(ValueError, match="longer_size"):
            self.NODE.resize(IMAGE, "scale longer dimension", "area")
        with pytest.raises(ValueError, match="'scale'"):
            self.NODE.resize(IMAGE, "scale", "area")


class TestTransform:
    def test_crop_stays_inside(self) -> None:
        (cut,) = image_transform.ImageCrop().crop(IMAGE, 500, 500, 18, 11)
        assert torch.equal(cut, IMAGE[:, 11:, 18:])
        (last,) = image_transform.ImageCrop().crop(IMAGE, 5, 5, 999, 999)
        assert torch.equal(last, IMAGE[:, -1:, -1:])

    def test_crop_region(self) -> None:
        node = image_transform.ImageCropV2()
        assert torch.equal(node.crop(IMAGE, {"x": 2, "y": 3, "width": 4, "height": 5})[0], IMAGE[:, 3:8, 2:6])
        for region in ({"x": 1}, None, {"x": "a", "y": 0, "width": 1, "height": 1}):
            with pytest.raises(ValueError, match="x, y, width and height"):
                node.crop(IMAGE, region)  # type: ignore[arg-type]

    def test_four_quarter_turns(self) -> None:
        turned = IMAGE
        for _ in range(4):
            (turned,) = image_transform.ImageRotate().rotate(turned, "90 degrees")
        assert torch.equal(turned, IMAGE)
        (once,) = image_transform.ImageRotate().rotate(IMAGE, "90 degrees")
        assert torch.equal(once[:, 0, -1], IMAGE[:, 0, 0])  # clockwise: upper left becomes upper right

    @pytest.mark.parametrize("method", ["x-axis: vertically", "y-axis: horizontally"])
    def test_flipping_twice(self, method: str) -> None:
        node = image_transform.ImageFlip()
        assert torch.equal(node.flip(node.flip(IMAGE, method)[0], method)[0], IMAGE)

    @pytest.mark.parametrize("direction", ["right", "down", "left", "up"])
    def test_stitch(self, direction: str) -> None:
        second = random_image(1, 12, 20, 3, seed=1)
        (joined,) = image_transform.ImageStitch().stitch(IMAGE, direction, True, 3, "green", second)
        dim = 2 if direction in ("right", "left") else 1
        first_part, strip, last_part = joined.split([IMAGE.shape[dim], 4, IMAGE.shape[dim]], dim)
        assert strip[..., 1].min() == 1
        assert strip[..., 0].max() == 0
        parts = (first_part, last_part) if direction in ("right", "down") else (last_part, first_part)
        assert torch.equal(parts[0], IMAGE)
        assert torch.equal(parts[1], second.expand(2, -1, -1, -1))

    def test_stitch_of_one(self) -> None:
        assert image_transform.ImageStitch().stitch(IMAGE, "right", True, 0, "white")[0] is IMAGE

    def test_outpaint(self) -> None:
        padded, mask = image_transform.ImagePadForOutpaint().expand_image(IMAGE, 4, 0, 8, 2, 3)
        assert padded.shape == (2, 14, 32, 3)
        assert torch.equal(padded[:, :12, 4:24], IMAGE)
        assert (padded[:, :, :4] == 0.5).all()
        assert mask[0, :, :4].min() == 1
        assert mask[0, 0, 12] == 0  # no border above: nothing fades there
        assert mask[0, 11, 12] == pytest.approx((2 / 3) ** 2)

    @pytest.mark.parametrize(
        ("size", "tile", "overlap"), [(2000, 1024, 128), (1024, 1024, 0), (100, 1024, 9), (65, 64, 0)]
    )
    def test_tiles_cover(self, size: int, tile: int, overlap: int) -> None:
        begins = tiles.starts(size, tile, overlap)
        covered = np.zeros(size, int)
        for begin in begins:
            covered[begin : begin + tile] += 1
        assert covered.min() >= 1
        assert begins[0] == 0
        assert all(after - before <= tile - overlap for before, after in pairwise(begins))
        assert begins[-1] + tile == size or len(begins) == 1

    def test_tile_list(self) -> None:
        (pieces,) = image_transform.SplitImageToTileList().split(random_image(2, 100, 150, 3), 64, 64, 16)
        assert len(pieces) == 2 * 3
        assert {tuple(piece.shape) for piece in pieces} == {(2, 64, 64, 3)}
        with pytest.raises(ValueError, match="overlap"):
            image_transform.SplitImageToTileList().split(random_image(1, 100, 150, 3), 64, 64, 64)


class TestBatch:
    def test_empty_image(self) -> None:
        (image,) = image_batch.EmptyImage().generate(3, 2, 4, 0x3366FF)
        assert image.shape == (4, 2, 3, 3)
        assert torch.allclose(image[3, 1, 2], torch.tensor([0x33, 0x66, 0xFF]) / 255)

    def test_batches_of_other_sizes_and_channels(self) -> None:
        (joined,) = image_batch.ImageBatch().batch(IMAGE, random_image(3, 6, 5, 4))
        assert joined.shape == (5, 12, 20, 4)
        assert (joined[:2, ..., 3] == 1).all()

    def test_many(self) -> None:
        given = {f"images.image{number}": torch.full((1, 4, 4, 3), number / 12) for number in (10, 2, 0, 11)}
        (joined,) = image_batch.BatchImagesNode().batch(**given)
        assert (joined[:, 0, 0, 0] * 12).round().tolist() == [0, 2, 10, 11]
        (nested,) = image_batch.BatchImagesNode().batch({"image0": IMAGE, "image1": IMAGE})
        assert nested.shape[0] == 4
        with pytest.raises(ValueError, match="connect"):
            image_batch.BatchImagesNode().batch()

    def test_from_batch(self) -> None:
        node = image_batch.ImageFromBatch()
        assert torch.equal(node.frombatch(IMAGE, 0, 1)[0], IMAGE[:1])
        assert torch.equal(node.frombatch(IMAGE, 7, 9)[0], IMAGE[1:])

    def test_rebatch(self) -> None:
        (groups,) = image_batch.RebatchImages().rebatch([IMAGE, IMAGE[:1]], [2])
        assert [len(group) for group in groups] == [2, 1]
        with pytest.raises(ValueError, match="20 x 12, 4 x 4"):
            image_batch.RebatchImages().rebatch([IMAGE[:1], torch.zeros(1, 4, 4, 3)], [2])

    def test_repeat_and_size(self) -> None:
        (repeated,) = image_batch.RepeatImageBatch().repeat(IMAGE, 3)
        assert image_batch.GetImageSize().get_size(repeated) == (20, 12, 6)


class TestAdjust:
    def test_inverting_twice(self) -> None:
        node = image_adjust.ImageInvert()
        assert torch.allclose(node.invert(node.invert(IMAGE)[0])[0], IMAGE, atol=1e-7)

    @pytest.mark.parametrize("mode", ["normal", "multiply", "screen", "overlay", "soft_light", "difference"])
    def test_blend_of_nothing_is_the_first(self, mode: str) -> None:
        other = random_image(1, 7, 9, 3, seed=4)
        (mixed,) = image_adjust.ImageBlend().execute(IMAGE, other, 0.0, mode)
        assert torch.equal(mixed, IMAGE)
        (full,) = image_adjust.ImageBlend().execute(IMAGE, torch.full_like(IMAGE, 0.5), 1.0, mode)
        expected = {
            "normal": torch.full_like(IMAGE, 0.5),
            "multiply": IMAGE / 2,
            "screen": (1 + IMAGE) / 2,
            "overlay": IMAGE,
            "soft_light": IMAGE,
            "difference": (IMAGE - 0.5).clamp(min=0),
        }[mode]
        assert torch.allclose(full, expected, atol=1e-6)

    @pytest.mark.parametrize("radius", [1, 7, 31])
    def test_blur_of_flat_and_small_images(self, radius: int) -> None:
        flat = torch.full((1, 5, 6, 3), 0.3)
        assert torch.allclose(image_adjust.ImageBlur().execute(flat, radius, 2.0)[0], flat, atol=1e-6)
        assert torch.allclose(image_adjust.ImageSharpen().execute(flat, radius, 1.0, 1.0)[0], flat, atol=1e-5)

    def test_blur_of_a_dot_is_the_kernel(self) -> None:
        dot = torch.zeros(1, 9, 9, 1)
        dot[0, 4, 4] = 1
        (blurred,) = image_adjust.ImageBlur().execute(dot, 2, 1.0)
        x = torch.linspace(-1, 1, 5)
        kernel = torch.exp(-(x[:, None] ** 2 + x**2) / 2)
        assert torch.allclose(blurred[0, 2:7, 2:7, 0], kernel / kernel.sum(), atol=1e-7)

    @pytest.mark.parametrize("dither", ["none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16"])
    def test_quantize(self, dither: str) -> None:
        (reduced,) = image_adjust.ImageQuantize().execute(IMAGE, 5, dither)
        assert all(len(one.reshape(-1, 3).unique(dim=0)) <= 5 for one in reduced)

    @pytest.mark.parametrize("size", [2, 4, 8, 16])
    def test_bayer_matrix(self, size: int) -> None:
        matrix = quantize.bayer(size)
        assert sorted(matrix.ravel()) == list(range(size * size))
        # each quarter of a step holds evenly spread thresholds
        assert matrix[: size // 2, : size // 2].sum() == sum(range(0, size * size, 4))

    def test_canny_finds_the_sides_of_a_square(self) -> None:
        image = torch.zeros(1, 40, 40, 3)
        image[:, 10:30, 10:30] = 1
        (edges,) = image_adjust.Canny().detect_edge(image, 0.1, 0.2)
        ys, xs = torch.where(edges[0, ..., 0] > 0)
        assert {8, 9, 10, 11} >= {int(ys.min()), int(xs.min())}
        assert {28, 29, 30, 31} >= {int(ys.max()), int(xs.max())}
        assert not edges[0, 14:26, 14:26].any()
        with pytest.raises(ValueError, match="high_threshold"):
            image_adjust.Canny().detect_edge(image, 0.5, 0.2)

    def test_opening_and_closing_are_idempotent(self) -> None:
        for operation in ("open", "close"):
            (once,) = image_adjust.Morphology().process(IMAGE, operation, 3)
            (twice,) = image_adjust.Morphology().process(once, operation, 3)
            assert torch.equal(once, twice)

    def test_yuv_there_and_back(self) -> None:
        planes = image_adjust.ImageRGBToYUV().execute(IMAGE)
        assert torch.allclose(image_adjust.ImageYUVToRGB().execute(*planes)[0], IMAGE, atol=1e-5)
        with pytest.raises(ValueError, match="U has another size"):
            image_adjust.ImageYUVToRGB().execute(planes[0], planes[1][:, 1:], planes[2])

    def test_noise_follows_the_seed(self) -> None:
        node = image_adjust.ImageAddNoise()
        grey = torch.full((1, 64, 64, 3), 0.5)
        (first,) = node.add_noise(grey, 2**64 - 1, 0.1)
        assert torch.equal(first, node.add_noise(grey, 2**64 - 1, 0.1)[0])
        assert not torch.equal(first, node.add_noise(grey, 1, 0.1)[0])
        assert first.std() == pytest.approx(0.1, abs=0.01)


class TestComposite:
    SOURCE = torch.ones(1, 4, 6, 3)

    @pytest.mark.parametrize(("x", "y"), [(0, 0), (3, 5), (-2, -1), (17, 10), (-50, 0), (99, 99)])
    def test_paste(self, x: int, y: int) -> None:
        node = image_composite.ImageCompositeMasked()
        (laid,) = node.composite(torch.zeros(2, 12, 20, 3), self.SOURCE, x, y, False)
        expected = torch.zeros(12, 20)
        expected[max(y, 0) : max(y + 4, 0), max(x, 0) : max(x + 6, 0)] = 1
        assert torch.equal(laid[1, ..., 0], expected)

    def test_mask_of_another_size_and_batch(self) -> None:
        mask = torch.stack([torch.zeros(8, 12), torch.ones(8, 12)])
        node = image_composite.ImageCompositeMasked()
        (laid,) = node.composite(torch.zeros(3, 12, 20, 3), self.SOURCE, 1, 1, False, mask)
        assert [laid[index].sum().item() for index in range(3)] == [0, 4 * 6 * 3, 0]

    def test_the_inputs_stay_as_they_were(self) -> None:
        below = torch.zeros(1, 12, 20, 3)
        image_composite.ImageCompositeMasked().composite(below, self.SOURCE, 1, 1, True)
        assert below.sum() == 0

    @pytest.mark.parametrize("channels", [(3, 4), (4, 3)])
    def test_alpha_on_one_side(self, channels: tuple[int, int]) -> None:
        below, above = torch.zeros(1, 4, 4, channels[0]), torch.full((1, 4, 4, channels[1]), 0.5)
        (laid,) = image_composite.ImageCompositeMasked().composite(below, above, 0, 0, False)
        assert laid.shape[-1] == channels[0]
        assert (laid[..., :3] == 0.5).all()
        if channels[0] == 4:
            assert (laid[..., 3] == 1).all()

    def test_alpha_apart_and_together(self) -> None:
        rgba = random_image(2, 5, 6, 4)
        image, mask = image_composite.SplitImageWithAlpha().split(rgba)
        assert torch.allclose(image_composite.JoinImageWithAlpha().join(image, mask)[0], rgba, atol=1e-6)
        (many,) = image_composite.JoinImageWithAlpha().join(IMAGE, torch.ones(1, 3, 3))
        assert many.shape == (2, 12, 20, 4)
        assert not many[..., 3].any()

    @pytest.mark.parametrize(
        ("mode", "colour", "mask"),
        [
            ("SRC", 1.0, 0),
            ("DST", 0.0, 0),
            ("CLEAR", 0.0, 1),
            ("XOR", 0.0, 1),
            ("SRC_OVER", 1.0, 0),
            ("DST_OUT", 0.0, 1),
        ],
    )
    def test_porter_duff_of_opaque_images(self, mode: str, colour: float, mask: float) -> None:
        opaque = torch.zeros(1, 4, 4)
        node = image_composite.PorterDuffImageComposite()
        image, alpha = node.composite(torch.ones(1, 4, 4, 3), opaque, torch.zeros(1, 4, 4, 3), opaque, mode)
        assert (image == colour).all()
        assert (alpha == mask).all()

    def test_porter_duff_fits_sizes(self) -> None:
        node = image_composite.PorterDuffImageComposite()
        image, mask = node.composite(
            random_image(1, 9, 9, 4), torch.zeros(1, 9, 9), IMAGE[:1], torch.zeros(1, 3, 3), "SRC_ATOP"
        )
        assert image.shape == (1, 12, 20, 4)
        assert mask.shape == (1, 12, 20)


class TestGrey:
    """One channel stands for all three; a second one is alpha, which these nodes leave out."""

    @pytest.mark.parametrize("channels", [1, 2])
    def test_yuv_of_grey_has_no_colour(self, channels: int) -> None:
        grey = random_image(2, 4, 5, channels)
        luma, blue, red = image_adjust.ImageRGBToYUV().execute(grey)
        assert torch.allclose(luma, grey[..., :1].expand(2, 4, 5, 3), atol=1e-6)
        assert torch.allclose(blue, torch.tensor(0.5), atol=1e-6)
        assert torch.allclose(red, torch.tensor(0.5), atol=1e-6)

    def test_joined_with_alpha_it_has_four_channels(self) -> None:
        grey, alpha = random_image(1, 4, 5, 1), torch.full((1, 4, 5), 0.25)
        (joined,) = image_composite.JoinImageWithAlpha().join(grey, alpha)
        assert torch.equal(joined[..., :3], grey.expand(1, 4, 5, 3))
        assert torch.equal(joined[..., 3], torch.full((1, 4, 5), 0.75))
