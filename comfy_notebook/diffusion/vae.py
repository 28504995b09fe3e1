"""``VAE`` in a graph: images to latents and back, whole or in tiles."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import memory
from .coders import Coder
from .latent_formats import LatentFormat
from .patcher import ModelPatcher
from .tiles import tiled_scale_multidim

if TYPE_CHECKING:
    from torch import Tensor

_log = logging.getLogger("comfy_notebook")


class VAE:
    """``first_stage_model`` is the network, ``patcher`` brings it to its device."""

    def __init__(self, coder: Coder, latent_format: LatentFormat | None = None) -> None:
        self.coder = coder
        self.first_stage_model = coder.module
        self.latent_format = latent_format
        self.device = memory.cpu() if memory.policy.cpu_vae else memory.get_torch_device()
        self.output_device = memory.intermediate_device()
        self.patcher = ModelPatcher(coder.module, self.device, memory.offload_device())
        self.latent_channels = coder.latent_channels
        self.latent_dim = 3 if coder.video else 2
        self.downscale_ratio = self.upscale_ratio = coder.ratio
        self.output_channels = 3

    @property
    def vae_dtype(self) -> Any:
        parameter = next(self.first_stage_model.parameters(), None)
        import torch

        return torch.float32 if parameter is None else parameter.dtype

    def spacial_compression_decode(self) -> int:
        """Pixels per latent pixel."""
        return self.coder.ratio

    spacial_compression_encode = spacial_compression_decode

    def temporal_compression_decode(self) -> int | None:
        """Frames per latent frame; None for images."""
        return self.coder.frames_ratio if self.coder.video else None

    def decode(self, samples_in: Tensor, vae_options: Any = None) -> Tensor:
        """Latents ``[B,C,h,w]`` (video ``[B,C,t,h,w]``) → images ``[B,H,W,3]`` (video ``[B,T,H,W,3]``) in 0…1.

        Falls back to tiles when the device has no room. Raises ``ValueError`` for latents of other channels or of NaN.
        """
        latent = self._checked(samples_in)
        made = self._with_fallback(
            lambda: self._each(self.coder.decode, latent, self._decode_bytes(latent)),
            lambda: self._decode_tiles(latent, 64, 16),
            "decode the latent",
        )
        return self._to_images(made)

    def decode_tiled(
        self,
        samples: Tensor,
        tile_x: int | None = None,
        tile_y: int | None = None,
        overlap: int | None = None,
        tile_t: int | None = None,
        overlap_t: int | None = None,
    ) -> Tensor:
        """:meth:`decode` in tiles of ``tile_x`` × ``tile_y`` latent pixels that blend over ``overlap``."""
        latent = self._checked(samples)
        self._load(self._decode_bytes(latent[..., :64, :64]))
        size = 64 if tile_y is None else tile_y
        made = self._decode_tiles(latent, (size, tile_x or size), 16 if overlap is None else overlap, tile_t, overlap_t)
        return self._to_images(made)

    def encode(self, pixel_samples: Tensor) -> Tensor:
        """Images ``[B,H,W,3]`` in 0…1, cut to whole latent pixels → latents ``[B,C,h,w]``, unscaled."""
        pixels = self._to_pixels(pixel_samples)
        made = self._with_fallback(
            lambda: self._each(self.coder.encode, pixels, self._encode_bytes(pixels)),
            lambda: self._encode_tiles(pixels, 512, 64),
            "encode the image",
        )
        return made.to(self.output_device)

    def encode_tiled(
        self,
        pixel_samples: Tensor,
        tile_x: int | None = None,
        tile_y: int | None = None,
        overlap: int | None = None,
        tile_t: int | None = None,
        overlap_t: int | None = None,
    ) -> Tensor:
        """:meth:`encode` in tiles of ``tile_x`` × ``tile_y`` pixels."""
        pixels = self._to_pixels(pixel_samples)
        self._load(self._encode_bytes(pixels[..., :512, :512]))
        size = 512 if tile_y is None else tile_y
        made = self._encode_tiles(pixels, (size, tile_x or size), 64 if overlap is None else overlap, tile_t, overlap_t)
        return made.to(self.output_device)

    def vae_encode_crop_pixels(self, pixels: Tensor) -> Tensor:
        """Images cut, from the middle, to whole latent pixels."""
        ratio = self.coder.ratio
        for dim in (-3, -2):
            size = pixels.shape[dim] // ratio * ratio
            pixels = pixels.narrow(dim, (pixels.shape[dim] - size) // 2, size)
        return pixels

    def get_sd(self) -> dict[str, Tensor]:
        """The weights under the names of files."""
        names = self.patcher.weights
        return {name: names.get(name) for name in names} | self.coder.marks()

    def is_dynamic(self) -> bool:
        return False

    # --- inside ---

    def _checked(self, latent: Tensor) -> Tensor:
        if latent.shape[1] != self.latent_channels:
            raise ValueError(
                f"this VAE decodes latents of {self.latent_channels} channels, not of {latent.shape[1]}: the latent "
                "comes from a model of another family; use the VAE that belongs to it"
            )
        self._check_numbers(latent)
        if self.coder.video and latent.ndim == 4:
            return latent.unsqueeze(2)
        return latent

    @staticmethod
    def _check_numbers(latent: Tensor) -> None:
        """A picture of NaN is black and says nothing: where some of a batch are, the others are worth decoding."""
        import torch

        bad = ~torch.isfinite(latent.flatten(1)).all(dim=1)
        if bool(bad.all()):
            raise ValueError(
                "the latent holds NaN or infinite values, of which no picture can be made: the model that sampled it "
                "overflowed. Try it in fp32 or bf16, a lower cfg, or another sampler"
            )
        if bool(bad.any()):
            which = bad.nonzero().flatten().tolist()
            _log.warning("Latents %s of the batch hold NaN: their pictures are black.", which)

    def _to_pixels(self, images: Tensor) -> Tensor:
        images = self.vae_encode_crop_pixels(images)
        if 0 in images.shape:
            raise ValueError(f"the image is smaller than one latent pixel ({self.coder.ratio} by {self.coder.ratio})")
        pixels = images[..., :3].movedim(-1, 1) * 2.0 - 1.0
        if not self.coder.video:
            return pixels
        return pixels.unsqueeze(2) if images.ndim == 4 and images.shape[0] == 1 else pixels.movedim(1, 0).unsqueeze(0)

    def _to_images(self, pixels: Tensor) -> Tensor:
        return ((pixels + 1.0) / 2.0).clamp_(0.0, 1.0).to(self.output_device).movedim(1, -1)

    def _decode_bytes(self, latent: Tensor) -> float:
        return float(self.coder.decode_bytes * latent[0, 0].numel() * self.coder.ratio**2 * self.vae_dtype.itemsize)

    def _encode_bytes(self, pixels: Tensor) -> float:
        return float(self.coder.encode_bytes * pixels[0, 0].numel() * self.vae_dtype.itemsize)

    def _load(self, required: float) -> None:
        memory.load_models_gpu([self.patcher], memory_required=required)

    def _each(self, code: Callable[[Tensor], Tensor], batch: Tensor, bytes_each: float) -> Tensor:
        """As many samples at once as there is room for."""
        import torch

        self._load(bytes_each)
        room = memory.free_bytes(self.device) if self.device.type == "cuda" else bytes_each
        step = max(1, int(room / max(bytes_each, 1)))
        parts = [self._run(code, batch[first : first + step]) for first in range(0, batch.shape[0], step)]
        return torch.cat(parts)

    def _run(self, code: Callable[[Tensor], Tensor], part: Tensor) -> Tensor:
        import torch

        with torch.no_grad():
            return code(part.to(self.device, self.vae_dtype)).float().to(self.output_device)

    def _with_fallback(self, whole: Callable[[], Tensor], in_tiles: Callable[[], Tensor], doing: str) -> Tensor:
        try:
            return whole()
        except (RuntimeError, MemoryError) as error:
            if not memory.is_out_of_memory(error):
                raise
        _log.warning("Not enough memory to %s at once: doing it in tiles.", doing)
        memory.soft_empty_cache()
        return memory.retry_after_unloading(in_tiles, doing, keep=[self.patcher])

    def _decode_tiles(
        self, latent: Tensor, size: Any, overlap: int, frames: int | None = None, frames_overlap: int | None = None
    ) -> Tensor:
        return self._tiles(self.coder.decode, latent, size, overlap, frames, frames_overlap, decode=True)

    def _encode_tiles(
        self, pixels: Tensor, size: Any, overlap: int, frames: int | None = None, frames_overlap: int | None = None
    ) -> Tensor:
        return self._tiles(self.coder.encode, pixels, size, overlap, frames, frames_overlap, decode=False)

    def _tiles(
        self,
        code: Callable[[Tensor], Tensor],
        batch: Tensor,
        size: Any,
        overlap: int,
        frames: int | None,
        frames_overlap: int | None,
        decode: bool,
    ) -> Tensor:
        """Images are coded in tiles of three shapes and averaged: what is left of the seams lies elsewhere in each."""
        height, width = size if isinstance(size, tuple) else (size, size)
        ratio, per_frame = self.coder.ratio, self.coder.frames_ratio
        channels = self.output_channels if decode else self.latent_channels

        def in_tiles(sizes: list[int], overlaps: list[int], amounts: list[Any], places: list[Any]) -> Tensor:
            return tiled_scale_multidim(  # type: ignore[no-any-return]
                batch,
                lambda part: self._run(code, part),
                sizes,
                overlaps,
                amounts,
                channels,
                self.output_device,
                downscale=not decode,
                index_formulas=places,
            )

        if not self.coder.video:
            shapes = [(height * 2, width // 2), (height // 2, width * 2), (height, width)]
            made = [in_tiles(list(shape), [overlap] * 2, [ratio] * 2, [ratio] * 2) for shape in shapes]
            return (made[0] + made[1] + made[2]) / 3.0

        def length(count: float) -> float:
            return max(0, count * per_frame - per_frame + 1) if decode else max(0, (count + per_frame - 1) // per_frame)

        sizes = [999999 if frames is None else frames, height, width]
        overlaps = [frames_overlap or 0, overlap, overlap]
        return in_tiles(sizes, overlaps, [length, ratio, ratio], [per_frame, ratio, ratio])
