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


def to_pil(value: Any) -> list[Image]:
    """The images of a tensor: ``[B,H,W,C]`` with C = 1, 3 or 4, or of a mask ``[B,H,W]`` (float 0..1, or uint8).

    Raises ``ValueError`` for another shape.
    """
    import numpy
    from PIL import Image

    array = value.detach().to(device="cpu").float().numpy() if is_tensor(value) else numpy.asarray(value)
    if array.dtype != numpy.uint8:
        array = numpy.clip(array.astype(numpy.float32) * 255.0, 0, 255).astype(numpy.uint8)
    if array.ndim == 2:
        array = array[None]
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 3 and not (array.ndim == 4 and array.shape[-1] in (3, 4)):
        raise ValueError(f"a tensor of shape {tuple(array.shape)} is no image [B,H,W,C] and no mask [B,H,W]")
    return [Image.fromarray(item) for item in array]


def one_pil(value: Any) -> Image:
    """A picture handed in by a person as one PIL image; raises ``ValueError`` for none or several."""
    from PIL import Image

    if isinstance(value, Image.Image):
        return value
    if value.ndim == 3 and value.shape[-1] in (3, 4):  # one image [H,W,C]
        value = value[None]
    images = to_pil(value)
    if len(images) != 1:
        raise ValueError(f"one image is needed, the batch holds {len(images)}")
    return images[0]


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
