"""TAESD and its kin (Bohan 2023): autoencoders small enough for previews, in a file for each half or in one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import model_folders
from . import latent_formats
from .checkpoints.files import WeightsError, read_weights
from .checkpoints.layout import Layout, Piece, assign
from .checkpoints.meta import quiet_libraries, without_weights
from .coders import Coder
from .latent_formats import LatentFormat
from .weights import NamedWeights

if TYPE_CHECKING:
    from torch import Tensor

    from .vae import VAE

Shapes = Mapping[str, tuple[int, ...]]
#: Where their files lie.
FOLDER = "vae_approx"
#: What they are called → the latents they are for.
NAMES: dict[str, LatentFormat] = {
    "taesd": latent_formats.SD15,
    "taesdxl": latent_formats.SDXL,
    "taesd3": latent_formats.SD3,
    "taef1": latent_formats.FLUX,
}


class TinyCoder(Coder):
    """diffusers' ``AutoencoderTiny``, which codes latents as networks see them; here they are unscaled as elsewhere."""

    decode_bytes = encode_bytes = 800

    def __init__(self, module: Any, latent_format: LatentFormat) -> None:
        super().__init__(module)
        self.latent_format = latent_format
        self.latent_channels = latent_format.latent_channels

    def encode(self, pixels: Tensor) -> Tensor:
        module: Any = self.module
        return self.latent_format.process_out(module.encoder(pixels))  # type: ignore[no-any-return]

    def decode(self, latent: Tensor) -> Tensor:
        module: Any = self.module
        return module.decoder(self.latent_format.process_in(latent))  # type: ignore[no-any-return]


def files_of(name: str) -> dict[str, str]:
    """The files of a tiny autoencoder in :data:`FOLDER`, by half (``encoder``, ``decoder``): those that are there."""
    listed = model_folders.current().files(FOLDER)
    found = {}
    for half in ("encoder", "decoder"):
        fitting = [file for file in listed if Path(file).stem == f"{name}_{half}"]
        if fitting:
            found[half] = min(fitting, key=lambda file: not file.endswith(".safetensors"))
    return found


def load_by_name(name: str) -> VAE:
    """A tiny autoencoder from its two files.

    Raises ``FileNotFoundError`` when one is missing, :class:`WeightsError` when they are something else.
    """
    found = files_of(name)
    missing = [f"{name}_{half}" for half in ("encoder", "decoder") if half not in found]
    if missing:
        places = " or ".join(str(root) for root in model_folders.current().roots(FOLDER))
        raise FileNotFoundError(f"{' and '.join(missing)} (.safetensors or .pth) are missing in {places}")
    halves = {half: _read(file) for half, file in found.items()}
    weights = {f"{half}.{key}": value for half, part in halves.items() for key, value in part.items()}
    return vae_of(weights, name)


def vae_of(weights: Mapping[str, Tensor], file: str) -> VAE:
    """The tiny autoencoder in ``encoder.`` and ``decoder.`` weights; its file's name says what latents it is for."""
    from .vae import VAE

    module, layout = _module(weights, file)
    table = NamedWeights()
    table.add("", module, layout)
    module.__dict__["named_weights"] = table
    return VAE(TinyCoder(module, format_of(file, module.config.latent_channels)))


def format_of(file: str, channels: int) -> LatentFormat:
    """What latents a tiny autoencoder of that name is for; by their channels where the name does not tell."""
    stem = Path(file).stem.lower()
    for name in sorted(NAMES, key=len, reverse=True):
        if stem.startswith(name):
            return NAMES[name]
    return latent_formats.SD15 if channels == 4 else latent_formats.FLUX


def is_tiny(shapes: Shapes) -> bool:
    """Whether weights of these names, both halves in one file, are those of a tiny autoencoder."""
    halves = {name.split(".", 1)[0] for name in shapes if _place(name) is not None}
    return halves == {"encoder", "decoder"}


def load_decoder(name: str) -> Any | None:
    """What decodes latents as networks see them, ``[B,C,h,w]`` → ``[B,3,H,W]`` in -1…1; None without its file."""
    file = files_of(name.removesuffix("_decoder")).get("decoder")
    if file is None:
        return None
    weights = {f"decoder.{key}": value for key, value in _read(file).items()}
    return _module(weights, file)[0].decoder


def _read(file: str) -> dict[str, Tensor]:
    path = model_folders.current().path(FOLDER, file)
    if path is None:
        raise FileNotFoundError(f"{file} is not in the folder for {FOLDER}")
    return dict(read_weights(path)[0])


class _Half(NamedTuple):
    """The convolutions of one half, and how many residual blocks follow each."""

    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    into: int
    out: int


def _module(weights: Mapping[str, Tensor], file: str) -> tuple[Any, Layout]:
    """diffusers' module with the weights; a half that is missing has the size of the other and no weights."""
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

    quiet_libraries()
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    layout = Layout()
    for name, shape in shapes.items():
        if (place := _place(name)) is not None:
            layout.add(name, shape, Piece(place))
    halves = {half: _half(shapes, half, file) for half in ("encoder", "decoder") if _has(shapes, half)}
    decoder = halves["decoder"]
    encoder = halves.get("encoder")
    make: Any = AutoencoderTiny
    with without_weights():
        module = make(
            latent_channels=decoder.into,
            encoder_block_out_channels=decoder.widths if encoder is None else encoder.widths,
            num_encoder_blocks=decoder.blocks if encoder is None else encoder.blocks,
            decoder_block_out_channels=decoder.widths,
            num_decoder_blocks=decoder.blocks,
        )
    moved = {pieces[0].parameter: weights[name].float() for name, pieces in layout.pieces.items()}
    for half in halves:
        part = {name[len(half) + 1 :]: value for name, value in moved.items() if name.startswith(half + ".")}
        assign(getattr(module, half), part, "tiny autoencoder")
    return module.eval(), layout


def _has(shapes: Shapes, half: str) -> bool:
    return any(name.startswith(f"{half}.") for name in shapes)


def _place(name: str) -> str | None:
    """What diffusers calls a weight; None for names of other models. The decoder's file counts a clamp first."""
    half, _, rest = name.partition(".")
    if half not in ("encoder", "decoder"):
        return None
    if rest.startswith("layers."):
        return name
    index, _, inner = rest.partition(".")
    if not index.isdigit() or inner.split(".")[0] not in ("weight", "bias", "conv", "skip"):
        return None
    return f"{half}.layers.{int(index) - (half == 'decoder')}.{inner}"


def _half(shapes: Shapes, half: str, file: str) -> _Half:
    """The size of one half. Raises :class:`WeightsError` for other networks."""
    places = {place: shape for name, shape in shapes.items() if (place := _place(name)) and place.startswith(half)}
    start = f"{half}.layers."
    indices = sorted({int(place[len(start) :].split(".")[0]) for place in places})
    stages: list[list[int]] = []
    for index in indices:
        if f"{start}{index}.weight" in places:
            stages.append([index, 0])
        elif stages:
            stages[-1][1] += 1
    convolutions = [places[f"{start}{index}.weight"] for index, _ in stages]
    if len(stages) < 2 or stages[-1][1] or any(len(shape) != 4 for shape in convolutions):
        raise WeightsError(f"{file} holds no tiny autoencoder (TAESD) that is known")
    widths, blocks = tuple(shape[0] for shape in convolutions[:-1]), tuple(count for _, count in stages[:-1])
    return _Half(widths, blocks, convolutions[0][1], convolutions[-1][0])
