"""Images between torch, PIL and a notebook's output."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

THUMBNAIL = 384


def is_tensor(value: Any) -> bool:
    """Whether ``value`` is a torch tensor; never imports torch."""
    return type(value).__module__.split(".")[0] == "torch" and hasattr(value, "detach")


def is_picture(value: Any) -> bool:
    """Whether ``value`` is an image a person may hand in: PIL, a torch tensor or a numpy array."""
    module = type(value).__module__.split(".")[0]
    return module == "PIL" or is_tensor(value) or (module == "numpy" and getattr(value, "ndim", 0) >= 2)


def holds_pictures(value: Any) -> bool:
    """Whether ``value`` is a list of images."""
    return isinstance(value, (list, tuple)) and any(is_picture(item) for item in value)


def to_pil(value: Any) -> list[Image]:
    """The images of a tensor: ``[B,H,W,C]`` with C = 1, 3 or 4, or of a mask ``[B,H,W]`` (float 0..1, or uint8);
    NaN becomes 0.

    Raises ``ValueError`` for another shape.
    """
    import numpy
    from PIL import Image

    array = value.detach().to(device="cpu").float().numpy() if is_tensor(value) else numpy.asarray(value)
    if array.dtype != numpy.uint8:
        numbers = numpy.nan_to_num(numpy.clip(array.astype(numpy.float32), 0.0, 1.0), nan=0.0)
        array = (numbers * 255.0).astype(numpy.uint8)
    if array.ndim == 2:
        array = array[None]
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 3 and not (array.ndim == 4 and array.shape[-1] in (3, 4)):
        raise ValueError(f"a tensor of shape {tuple(array.shape)} is no image [B,H,W,C] and no mask [B,H,W]")
    return [Image.fromarray(item) for item in array]


def one_pil(value: Any) -> Image:
    """A picture handed in by a person as one PIL image that PNG can hold; raises ``ValueError`` for none or several."""
    from PIL import Image

    if isinstance(value, (list, tuple)):
        if len(value) != 1:
            raise ValueError(f"one image is needed, the list holds {len(value)}; run once for each")
        return one_pil(value[0])
    if isinstance(value, Image.Image):
        return _storable(value)
    _refuse_channels_first(value)
    if value.ndim == 3 and value.shape[-1] in (3, 4):  # one image [H,W,C]
        value = value[None]
    images = to_pil(value)
    if len(images) != 1:
        raise ValueError(f"one image is needed, the batch holds {len(images)}")
    return images[0]


def _storable(image: Image) -> Image:
    """The image in a mode that PNG knows."""
    if image.mode == "F":
        raise ValueError(
            "a PIL image of mode 'F' does not say what its numbers mean; give image.convert('L') or a tensor"
        )
    if image.mode == "I":
        return image.convert("I;16")  # PNG has 16 bits at most
    known = ("1", "L", "LA", "I;16", "P", "RGB", "RGBA")
    return image if image.mode in known else image.convert("RGBA" if "A" in image.getbands() else "RGB")


def _refuse_channels_first(value: Any) -> None:
    """Tensors of other libraries are [C,H,W]; here they would pass for a batch of masks."""
    shape = tuple(value.shape)
    if len(shape) in (3, 4) and shape[-3] in (3, 4) and shape[-1] not in (1, 3, 4):
        order = ".permute(1, 2, 0)" if len(shape) == 3 else ".permute(0, 2, 3, 1)"
        raise ValueError(
            f"an image is [B,H,W,C]; a tensor of shape {list(shape)} looks like channels first, then give tensor{order}"
        )


def png(image: Image) -> bytes:
    """The image as PNG bytes."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def figure(image: Image, caption: str) -> str:
    """A small HTML figure that carries its picture inside."""
    shown = image.convert("RGBA" if "A" in image.getbands() else "RGB")
    shown.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    shown.save(buffer, "WEBP", quality=85)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    text = html.escape(f"{caption} · {image.width} x {image.height}")
    return (
        '<figure style="display:inline-block;margin:0 12px 8px 0;vertical-align:top">'
        f'<img src="data:image/webp;base64,{data}" alt="{text}" style="max-width:100%">'
        f'<figcaption style="font-size:smaller">{text}</figcaption></figure>'
    )
