"""Image files in and out: what is listed, refused, decoded, written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin

from comfy_notebook import folders
from comfy_notebook.nodes import image_animation, image_files, image_formats, image_load, image_save, text, whole_files

PROMPT = {"1": {"class_type": "X", "inputs": {"text": "ü 漢 \U0001f600"}}}
WORKFLOW = {"workflow": {"nodes": [], "version": 0.4}}


@pytest.fixture(autouse=True)
def base(tmp_path: Path) -> Iterator[Path]:
    before = folders.current()
    folders.use(folders.Folders(base=tmp_path, temp=tmp_path / "temp"))
    (tmp_path / "input").mkdir()
    yield tmp_path
    folders.use(before)


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (12, 20, 4), dtype=np.uint8)


def load(path: Path, picture: Image.Image, **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
    picture.save(path, **options)
    return image_load.LoadImage().load_image(path.name)


class TestLoad:
    def test_lists_images_sorted(self, base: Path) -> None:
        for name in ("b.png", "a.JPG", "notes.txt", "c.webp"):
            (base / "input" / name).write_bytes(b"")
        assert image_load.LoadImage.INPUT_TYPES()["required"]["image"][0] == ["a.JPG", "b.png", "c.webp"]

    def test_no_input_folder_is_an_empty_list(self, base: Path) -> None:
        (base / "input").rmdir()
        assert image_files.listing() == []

    def test_rgb_has_an_empty_mask(self, base: Path, pixels: np.ndarray) -> None:
        image, mask = load(base / "input" / "x.png", Image.fromarray(pixels[..., :3]))
        assert torch.equal(image[0], torch.from_numpy(pixels[..., :3] / np.float32(255)))
        assert mask.shape == (1, 64, 64)
        assert not mask.any()

    def test_alpha_becomes_the_mask(self, base: Path, pixels: np.ndarray) -> None:
        image, mask = load(base / "input" / "x.png", Image.fromarray(pixels))
        assert image.shape == (1, 12, 20, 3)
        assert torch.allclose(mask[0], 1 - torch.from_numpy(pixels[..., 3] / np.float32(255)))

    def test_transparent_palette(self, base: Path) -> None:
        picture = Image.new("P", (4, 2), 1)
        picture.putpalette([255, 0, 0, 0, 255, 0])
        picture.putpixel((0, 0), 0)
        image, mask = load(base / "input" / "x.png", picture, transparency=0)
        assert image[0, 1, 1].tolist() == [0, 1, 0]
        assert mask[0, 0].tolist() == [1, 0, 0, 0]

    def test_sixteen_bit_grey_keeps_its_range(self, base: Path) -> None:
        ramp = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(1, -1)
        image, _ = load(base / "input" / "x.png", Image.fromarray(ramp))
        assert torch.allclose(image[0, 0, :, 0], torch.linspace(0, 1, 256), atol=1 / 255)

    @pytest.mark.parametrize(("orientation", "corner"), [(3, (-1, -1)), (6, (0, -1)), (8, (-1, 0))])
    def test_orientation(self, base: Path, orientation: int, corner: tuple[int, int]) -> None:
        picture = Image.new("RGB", (30, 20))
        picture.paste((255, 255, 255), (0, 0, 8, 8))
        exif = Image.Exif()
        exif[0x0112] = orientation
        image, _ = load(base / "input" / "x.jpg", picture, exif=exif, quality=95)
        assert image.shape[1:3] == ((20, 30) if orientation == 3 else (30, 20))
        assert image[0][corner].min() > 0.9

    @pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
    def test_frames_become_a_batch(self, base: Path, suffix: str) -> None:
        frames = [Image.new("RGB", (8, 6), colour) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
        options = {"lossless": True} if suffix == "webp" else {}
        image, mask = load(
            base / "input" / f"x.{suffix}", frames[0], save_all=True, append_images=frames[1:], duration=100, **options
        )
        assert image[:, 3, 3].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
        assert len(mask) == 3

    def test_mask_channels(self, base: Path, pixels: np.ndarray) -> None:
        Image.fromarray(pixels).save(base / "input" / "x.png")
        node = image_load.LoadImageMask()
        for index, channel in enumerate(("red", "green", "blue")):
            (mask,) = node.load_image("x.png", channel)
            assert torch.allclose(mask[0] * 255, torch.from_numpy(pixels[..., index].astype(np.float32)))
        (mask,) = node.load_image("x.png", "alpha")
        assert torch.allclose((1 - mask[0]) * 255, torch.from_numpy(pixels[..., 3].astype(np.float32)), atol=1e-4)

    def test_output_annotation(self, base: Path, pixels: np.ndarray) -> None:
        (base / "output").mkdir()
        Image.fromarray(pixels).save(base / "output" / "x.png")
        options = image_load.LoadImageOutput.INPUT_TYPES()["required"]["image"][1]
        assert options["options"] == ["x.png [output]"]
        for node in (image_load.LoadImage(), image_load.LoadImageOutput()):
            assert node.load_image("x.png [output]")[0].shape == (1, 12, 20, 3)

    @pytest.mark.parametrize("name", ["missing.png", "../secret.png", "/etc/passwd", "", "a\0b.png", "x [temp]", 7])
    def test_bad_names_get_a_sentence(self, base: Path, name: Any) -> None:
        (base / "secret.png").write_bytes(b"secret")
        answer = image_load.LoadImage.VALIDATE_INPUTS(name)
        assert isinstance(answer, str)
        assert len(answer) > 10
        if isinstance(name, str):
            with pytest.raises(FileNotFoundError, match=re.escape(answer)):
                image_load.LoadImage().load_image(name)

    def test_good_and_linked_names_pass(self, base: Path, pixels: np.ndarray) -> None:
        (base / "input" / "sub").mkdir()
        Image.fromarray(pixels).save(base / "input" / "sub" / "x.png")
        assert image_load.LoadImage.VALIDATE_INPUTS("sub/x.png") is True
        assert image_load.LoadImage.VALIDATE_INPUTS(None) is True

    def test_no_image(self, base: Path) -> None:
        (base / "input" / "x.png").write_text("not an image")
        with pytest.raises(ValueError, match=r"x\.png is not an image"):
            image_load.LoadImage().load_image("x.png")

    def test_cut_off_file_gives_what_is_there(self, base: Path) -> None:
        path = base / "input" / "x.jpg"
        noise = np.random.default_rng(5).integers(180, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path, quality=95)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) * 9 // 10])
        image, _ = image_load.LoadImage().load_image("x.jpg")
        assert image[0, :8].mean() > 0.7

    def test_fingerprint_follows_the_content(self, base: Path) -> None:
        path = base / "input" / "x.png"
        Image.new("RGB", (4, 4), "red").save(path)
        first = image_load.LoadImage.IS_CHANGED("x.png")
        path.touch()
        assert image_load.LoadImage.IS_CHANGED("x.png") == first
        Image.new("RGB", (4, 4), "blue").save(path)
        assert image_load.LoadImage.IS_CHANGED("x.png") != first


class TestSave:
    def test_round_trip_with_metadata(self, base: Path, pixels: np.ndarray) -> None:
        images = torch.from_numpy(pixels.astype(np.float32) / 255).unsqueeze(0)
        result = image_save.SaveImage().save_images(images, "a/b", PROMPT, WORKFLOW)
        assert result == {"ui": {"images": [{"filename": "b_00001_.png", "subfolder": "a", "type": "output"}]}}
        with Image.open(base / "output" / "a" / "b_00001_.png") as saved:
            assert isinstance(saved, PngImagePlugin.PngImageFile)
            assert np.array_equal(np.array(saved), pixels)
            assert json.loads(saved.text["prompt"]) == PROMPT
            assert json.loads(saved.text["workflow"]) == WORKFLOW["workflow"]

    def test_numbers_go_on(self, base: Path) -> None:
        node, images = image_save.SaveImage(), torch.zeros(2, 4, 6, 3)
        names = [entry["filename"] for _ in range(2) for entry in node.save_images(images, "x")["ui"]["images"]]
        assert names == [f"x_{number:05}_.png" for number in (1, 2, 3, 4)]
        assert [path.name for path in sorted((base / "output").iterdir())] == names

    def test_tokens(self, base: Path) -> None:
        images = torch.zeros(2, 4, 6, 3)
        entries = image_save.SaveImage().save_images(images, "%width%x%height%_%batch_num%_%year%")["ui"]["images"]
        assert re.fullmatch(r"6x4_0_\d{4}_00001_\.png", entries[0]["filename"])
        assert re.fullmatch(r"6x4_1_\d{4}_00002_\.png", entries[1]["filename"])

    @pytest.mark.parametrize("prefix", ["../x", "a/../../x", "/tmp/x", ".."])
    def test_never_leaves_the_folder(self, base: Path, prefix: str) -> None:
        with pytest.raises(folders.UnsafePathError):
            image_save.SaveImage().save_images(torch.zeros(1, 4, 6, 3), prefix)
        assert not list(base.glob("*x*"))

    def test_a_failed_save_leaves_nothing(self, base: Path) -> None:
        (base / "output").mkdir()

        def fail(file: Any) -> None:
            file.write(b"half")
            raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            whole_files.write(base / "output" / "x.png", fail)
        assert list((base / "output").iterdir()) == []

    def test_preview_goes_to_temp(self, base: Path) -> None:
        (entry,) = image_save.PreviewImage().save_images(torch.zeros(1, 4, 6, 3))["ui"]["images"]
        assert entry["type"] == "temp"
        assert re.fullmatch(r"ComfyUI_temp_[a-z]{5}_00001_\.png", entry["filename"])
        assert (base / "temp" / entry["filename"]).is_file()

    def test_subclass_of_a_pack(self, base: Path) -> None:
        class PackPreview(image_save.SaveImage):
            def __init__(self) -> None:
                self.output_dir = str(base / "temp")
                self.type = "temp"
                self.prefix_append = "_pack"
                self.compress_level = 1

        (entry,) = PackPreview().save_images(torch.zeros(1, 4, 6, 3), filename_prefix="p")["ui"]["images"]
        assert entry == {"filename": "p_pack_00001_.png", "subfolder": "", "type": "temp"}

    def test_mask_preview(self, base: Path) -> None:
        (entry,) = image_save.MaskPreview().execute(torch.ones(5, 7))["ui"]["images"]
        with Image.open(base / "temp" / entry["filename"]) as saved:
            assert saved.size == (7, 5)
            assert saved.getextrema() == ((255, 255),) * 3

    def test_compare(self, base: Path) -> None:
        shown = image_save.ImageCompare().compare(image_a=torch.zeros(2, 4, 6, 3))["ui"]
        assert len(shown["a_images"]) == 2
        assert shown["b_images"] == []

    def test_two_channels_are_refused(self, base: Path) -> None:
        with pytest.raises(ValueError, match="channels"):
            image_save.SaveImage().save_images(torch.zeros(1, 4, 6, 2))

    @pytest.mark.parametrize("head", ['<svg width="1">', '<?xml version="1.0"?><svg>'])
    def test_svg_carries_its_workflow(self, head: str) -> None:
        text = image_save.with_metadata(head + "<g/></svg>", {"prompt": {"text": "]]>"}})
        found = re.search(r"<metadata>\n(.*)\n</metadata>", text, re.DOTALL)
        assert found is not None
        plain = "".join(re.findall(r"<!\[CDATA\[(.*?)\]\]>", found[1], re.DOTALL))
        assert json.loads(plain) == {"prompt": {"text": "]]>"}}


class TestAnimation:
    IMAGES = torch.eye(3).reshape(3, 1, 1, 3).repeat(1, 6, 8, 1)

    def test_webp(self, base: Path) -> None:
        node = image_animation.SaveAnimatedWEBP()
        ui = node.save_images(self.IMAGES, 10.0, "w", True, 80, "fastest", PROMPT, WORKFLOW)["ui"]
        assert ui["animated"] == (True,)
        with Image.open(base / "output" / ui["images"][0]["filename"]) as saved:
            assert saved.n_frames == 3
            tags = saved.getexif()
            assert json.loads(tags[0x0110].removeprefix("prompt:")) == PROMPT
            assert json.loads(tags[0x010F].removeprefix("workflow:")) == WORKFLOW["workflow"]
            saved.seek(1)
            saved.load()
            assert saved.info["duration"] == 100
            assert np.array(saved.convert("RGB"))[0, 0].tolist() == [0, 255, 0]

    def test_png(self, base: Path) -> None:
        ui = image_animation.SaveAnimatedPNG().save_images(self.IMAGES, 4.0, 4, "p", PROMPT, WORKFLOW)["ui"]
        path = base / "output" / ui["images"][0]["filename"]
        with Image.open(path) as saved:
            assert saved.n_frames == 3
            assert saved.info["duration"] == 250
        content = path.read_bytes()
        assert content.find(b"comfprompt\0" + json.dumps(PROMPT).encode()) > content.find(b"IDAT")


class TestFormats:
    IMAGES = torch.rand(2, 18, 10, 3, generator=torch.Generator().manual_seed(1))

    def save(self, base: Path, format: str, **children: Any) -> list[Path]:
        named = {f"format.{name.replace('__', '.')}": value for name, value in children.items()}
        answer = image_formats.SaveImageAdvanced().save(self.IMAGES, "x", format, PROMPT, WORKFLOW, **named)
        assert answer["result"][0] is self.IMAGES
        return [base / "output" / entry["filename"] for entry in answer["ui"]["images"]]

    def test_png_8(self, base: Path) -> None:
        first, _ = self.save(base, "png", bit_depth="8-bit")
        assert np.array_equal(np.array(Image.open(first)), (self.IMAGES[0].numpy() * 255).astype(np.uint8))

    def test_png_16(self, base: Path) -> None:
        first, second = self.save(base, "png", bit_depth="16-bit")
        with Image.open(first) as saved:
            assert json.loads(saved.text["prompt"]) == PROMPT
            assert np.allclose(np.array(saved) / 255, self.IMAGES[0].numpy(), atol=1 / 255)
        assert second.read_bytes()[24] == 16  # the bit depth of the header

    def test_exr_against_openexr(self, base: Path) -> None:
        openexr = pytest.importorskip("OpenEXR")
        for depth, tolerance in (("16-bit float", 1e-3), ("32-bit float", 0.0)):
            first, _ = self.save(base, "exr", bit_depth=depth, input_color_space="linear")
            file = openexr.File(str(first))
            assert np.allclose(file.channels()["RGB"].pixels, self.IMAGES[0].numpy(), atol=tolerance, rtol=0)

    def test_exr_colours(self) -> None:
        from comfy_notebook.nodes.ops.exr import SPACES

        srgb, hlg = SPACES["sRGB"][0], SPACES["HDR"][0]
        assert srgb(torch.tensor([0.0, 0.5, 1.0])).tolist() == pytest.approx([0, 0.21404, 1], abs=1e-5)
        assert hlg(torch.tensor([0.0, 0.5, 1.0])).tolist() == pytest.approx([0, 1 / 12, 1], abs=1e-5)

    def test_avif(self, base: Path) -> None:
        from PIL import features

        if not features.check("avif"):
            pytest.skip("this Pillow has no AVIF")
        first, _ = self.save(base, "avif", crf=5)
        assert Image.open(first).size == (10, 18)
        (film,) = self.save(base, "avif", save_mode="animated", save_mode__fps=5.0, save_mode__loop_count=0)
        assert Image.open(film).n_frames == 2
        with pytest.raises(ValueError, match="8 bits"):
            self.save(base, "avif", bit_depth="10-bit YUV420")

    def test_nested_values(self, base: Path) -> None:
        format = {"format": "png", "bit_depth": "16-bit", "input_color_space": "sRGB"}
        answer = image_formats.SaveImageAdvanced().save(self.IMAGES, "x", format)
        assert (base / "output" / answer["ui"]["images"][0]["filename"]).read_bytes()[24] == 16

    def test_unknown_format(self) -> None:
        with pytest.raises(ValueError, match="png, exr, avif"):
            image_formats.SaveImageAdvanced().save(self.IMAGES, "x", "bmp")


def test_the_fingerprint_of_what_cannot_be_read(base: Path) -> None:
    """It changes once the file is there; a name that is not known yet equals nothing."""
    for name in ("gone.png", "../gone.png", "a\0b.png", ""):
        assert image_files.fingerprint(name) == "unreadable"
    Image.new("RGB", (2, 2)).save(base / "input" / "gone.png")
    assert image_files.fingerprint("gone.png") != "unreadable"
    unknown = image_files.fingerprint(None)
    assert unknown != unknown  # noqa: PLR0124


NOT_NUMBERS = torch.tensor([float("nan"), float("inf"), -float("inf"), 1e38, -1e38, 0.5])
FORMATS: list[tuple[str, dict[str, Any]]] = [
    ("png", {"bit_depth": "8-bit"}), ("png", {"bit_depth": "16-bit"}), ("avif", {}),
    ("exr", {"bit_depth": "16-bit float"}), ("exr", {"bit_depth": "32-bit float"}),
]  # fmt: skip


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("format", "settings"), FORMATS, ids=str)
def test_pixels_that_are_no_numbers_are_written_as_black(base: Path, format: str, settings: dict[str, Any]) -> None:
    images = NOT_NUMBERS.reshape(1, 1, 6, 1).repeat(1, 8, 8, 3)
    image_formats.SaveImageAdvanced().save(images, "x", {"format": format, **settings})
    (file,) = (base / "output").iterdir()
    if format == "png":
        with Image.open(file) as picture:
            row = np.asarray(picture.convert("RGB"))[0, :6, 0].tolist()
        assert row == [0, 255, 0, 255, 0, row[5]]
        assert row[5] in (127, 128)


BAD_PREFIXES = {
    "a\0b": "filename_prefix: 'a.x00b.*' holds a NUL",
    "x" * 400: "filename_prefix: 'x+…' is too long for a file name: (400|411) bytes, at most 235",
    "漢" * 100: "filename_prefix: '漢+…' is too long for a file name: (300|311) bytes, at most 235",
    "x" * 300 + "/a": "too long for a file name",
    "/".join(["x" * 100] * 50): "filename_prefix: .* is too long, a path",
}


@pytest.mark.parametrize("prefix", BAD_PREFIXES, ids=lambda prefix: repr(prefix[:8]))
def test_impossible_prefixes_get_a_sentence(base: Path, prefix: str) -> None:
    image = torch.zeros(1, 2, 2, 3)
    savers: list[Callable[[], object]] = [
        lambda: image_save.SaveImage().save_images(image, prefix),
        lambda: image_save.PreviewImage().save_images(image, prefix),
        lambda: image_animation.SaveAnimatedPNG().save_images(image, 6.0, 4, prefix),
        lambda: image_animation.SaveAnimatedWEBP().save_images(image, 6.0, prefix, True, 80, "default"),
        lambda: image_formats.SaveImageAdvanced().save(image, prefix, {"format": "png"}),
        lambda: text.SaveText().execute("hi", prefix),
    ]
    for save in savers:
        with pytest.raises(ValueError, match=BAD_PREFIXES[prefix]) as raised:
            save()
        assert ".part" not in str(raised.value)
    assert not list(base.rglob("*.part"))


@pytest.mark.parametrize("prefix", ["漢" * 73, "x" * 220, "\U0001f600" * 55])
def test_the_longest_prefixes_work(base: Path, prefix: str) -> None:
    for node in (image_save.SaveImage(), image_save.PreviewImage()):
        node.save_images(torch.zeros(1, 2, 2, 3), prefix)
    assert len(list(base.rglob(f"{prefix}*.png"))) == 2


def test_an_error_of_the_disk_names_the_file_asked_for(base: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        whole_files.write_bytes(base / "gone" / "x.png", b"")
    assert raised.value.filename == str(base / "gone" / "x.png")
