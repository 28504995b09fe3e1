"""Captioned pictures to train on: Microsoft's Fluent Emoji in their flat style (MIT), drawn from the npm package
``@iconify-json/fluent-emoji-flat``.

The captions are the names the pictures have there ("smiling face with sunglasses"). Skin tones are left out.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

PACKAGE = "@iconify-json/fluent-emoji-flat@1.2.6"
#: Few kinds, so that a model of some millions of weights learns them in hours without a GPU.
CATEGORIES = ("Smileys & Emotion", "Animals & Nature", "Food & Drink")
SIDE = 64
_SKIN = re.compile(r"-(?:light|medium|dark)(?:-|$)")


@dataclass(frozen=True)
class Pictures:
    """``pixels`` [N, 64, 64, 3] uint8 on white, ``captions`` one for each."""

    pixels: npt.NDArray[np.uint8]
    captions: list[str]


def load_pictures(cache: Path) -> Pictures:
    """The pictures, from ``cache`` (an ``.npz``) when it was made before."""
    if not cache.exists():
        pictures = draw_pictures()
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(cache, pixels=pictures.pixels, captions=np.array(pictures.captions))
    with np.load(cache) as held:
        return Pictures(held["pixels"], [str(caption) for caption in held["captions"]])


def draw_pictures() -> Pictures:
    """Fetch the package with npm and draw every icon of :data:`CATEGORIES`."""
    icons, metadata = _package()
    names = sorted({name for category in CATEGORIES for name in metadata["categories"].get(category, ())})
    wanted = [name for name in names if name in icons["icons"] and not _SKIN.search(name)]
    pixels = np.stack([_drawn(icons["icons"][name], icons) for name in wanted])
    return Pictures(pixels, [name.replace("-", " ") for name in wanted])


def _package() -> tuple[dict, dict]:  # type: ignore[type-arg]
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(
            ["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, capture_output=True, text=True
        ).stdout.split()[-1]
        with tarfile.open(Path(folder) / packed) as archive:
            read = [archive.extractfile(f"package/{name}.json") for name in ("icons", "metadata")]
            icons, metadata = (json.load(file) for file in read if file is not None)
            return icons, metadata


def _drawn(icon: dict, icons: dict) -> npt.NDArray[np.uint8]:  # type: ignore[type-arg]
    import resvg_py  # type: ignore[import-not-found, unused-ignore]
    from PIL import Image

    width, height = (icon.get(side, icons.get(side, 16)) for side in ("width", "height"))
    box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{box}"'
        f' width="{SIDE}" height="{SIDE}">{icon["body"]}</svg>'
    )
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=SIDE, height=SIDE))
    drawn = Image.open(io.BytesIO(png)).convert("RGBA")
    ground = Image.new("RGBA", drawn.size, "white")
    ground.alpha_composite(drawn)
    return np.asarray(ground.convert("RGB"))
