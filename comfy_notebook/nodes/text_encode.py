"""Prompts to conditioning."""

from __future__ import annotations

from typing import Any

from . import inputs

Conditioning = list[list[Any]]


def prompt(tooltip: str = "") -> inputs.Spec:
    """A prompt: many lines, with ``{one|another}`` chosen anew for each run."""
    return ("STRING", {"multiline": True, "dynamicPrompts": True, **({"tooltip": tooltip} if tooltip else {})})


def _size(default: int, tooltip: str = "") -> inputs.Spec:
    return inputs.integer(default, 0, inputs.MAX_RESOLUTION, tooltip=tooltip)


def checked_clip(clip: Any) -> Any:
    """``clip``; raises ``ValueError`` where the checkpoint had no text encoder."""
    if clip is None:
        raise ValueError(
            "there is no text encoder: the checkpoint holds none, or only the diffusion model. Load the text encoder "
            "with a Load CLIP node"
        )
    return clip


def _encoded(clip: Any, tokens: Any, **more: Any) -> tuple[Conditioning]:
    return (clip.encode_from_tokens_scheduled(tokens, add_dict=more),)


def _even_chunks(clip: Any, tokens: Any, one: str, other: str) -> Any:
    """``tokens`` with as many chunks for ``one`` encoder as for the ``other``."""
    empty = clip.tokenize("")
    while len(tokens[one]) < len(tokens[other]):
        tokens[one] = [*tokens[one], *empty[one]]
    while len(tokens[other]) < len(tokens[one]):
        tokens[other] = [*tokens[other], *empty[other]]
    return tokens


class CLIPTextEncode:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "encode"
    CATEGORY = "conditioning"
    DESCRIPTION = (
        "What a picture shall show (or avoid), in words. (brackets:1.2) weigh words, embedding:name inserts one."
    )
    SEARCH_ALIASES = ["text", "prompt", "text prompt", "positive prompt", "negative prompt", "encode text"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"text": prompt("The prompt."), "clip": inputs.socket("CLIP", "The text encoder.")}}

    def encode(self, clip: Any, text: str) -> tuple[Conditioning]:
        return _encoded(checked_clip(clip), clip.tokenize(text))


class CLIPSetLastLayer:
    RETURN_TYPES = ("CLIP",)
    FUNCTION = "set_last_layer"
    CATEGORY = "conditioning"
    DESCRIPTION = "Clip skip: which layer of the text encoder counts, -1 being the last."
    SEARCH_ALIASES = ["clip skip"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "clip": inputs.socket("CLIP"),
                "stop_at_clip_layer": inputs.integer(-1, -24, -1, 1, "-2 is what many anime models were trained with."),
            }
        }

    def set_last_layer(self, clip: Any, stop_at_clip_layer: int) -> tuple[Any]:
        made = checked_clip(clip).clone()
        made.clip_layer(stop_at_clip_layer)
        return (made,)


class CLIPTextEncodeSDXL:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "encode"
    CATEGORY = "advanced/conditioning"
    SEARCH_ALIASES = ["sdxl prompt", "size conditioning"]
    DESCRIPTION = "A prompt for each of SDXL's text encoders, and the sizes it was taught to look at."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "clip": inputs.socket("CLIP"),
                "width": _size(1024, "How large the training picture shall seem to have been."),
                "height": _size(1024),
                "crop_w": _size(0, "How much shall seem to have been cut off at the left."),
                "crop_h": _size(0, "How much shall seem to have been cut off at the top."),
                "target_width": _size(1024, "The size of the picture."),
                "target_height": _size(1024),
                "text_g": prompt("For the large encoder."),
                "text_l": prompt("For the small encoder."),
            }
        }

    def encode(self, clip: Any, text_g: str, text_l: str, **sizes: int) -> tuple[Conditioning]:
        tokens = checked_clip(clip).tokenize(text_g)
        if "l" not in tokens or "g" not in tokens:
            raise ValueError("this text encoder is not SDXL's, which has two parts (CLIP-L and CLIP-G)")
        tokens["l"] = clip.tokenize(text_l)["l"]
        return _encoded(clip, _even_chunks(clip, tokens, "l", "g"), **sizes)


class CLIPTextEncodeSDXLRefiner:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "encode"
    CATEGORY = "advanced/conditioning"
    SEARCH_ALIASES = ["refiner prompt", "aesthetic score"]
    DESCRIPTION = "A prompt for SDXL's refiner, with the score and size it was taught to look at."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "ascore": inputs.number(6.0, 0.0, 1000.0, 0.01, "How pleasing: 6 for prompts, 2.5 for what to avoid."),
                "width": _size(1024),
                "height": _size(1024),
                "text": prompt("The prompt."),
                "clip": inputs.socket("CLIP"),
            }
        }

    def encode(self, clip: Any, ascore: float, width: int, height: int, text: str) -> tuple[Conditioning]:
        tokens = checked_clip(clip).tokenize(text)
        return _encoded(clip, tokens, aesthetic_score=ascore, width=width, height=height)


class CLIPTextEncodeFlux:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "encode"
    CATEGORY = "advanced/conditioning/flux"
    SEARCH_ALIASES = ["flux prompt", "t5", "guidance"]
    DESCRIPTION = "A prompt for each of Flux's text encoders, and how strictly to follow them."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "clip": inputs.socket("CLIP"),
                "clip_l": prompt("Keywords, for CLIP."),
                "t5xxl": prompt("Sentences, for T5."),
                "guidance": inputs.number(3.5, 0.0, 100.0, 0.1, "What Flux dev has in place of CFG."),
            }
        }

    def encode(self, clip: Any, clip_l: str, t5xxl: str, guidance: float) -> tuple[Conditioning]:
        tokens = checked_clip(clip).tokenize(clip_l)
        if "t5xxl" not in tokens:
            raise ValueError("this text encoder is not Flux's, which has two parts (CLIP-L and T5)")
        tokens["t5xxl"] = clip.tokenize(t5xxl)["t5xxl"]
        return _encoded(clip, tokens, guidance=guidance)


class CLIPTextEncodeSD3:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "encode"
    CATEGORY = "advanced/conditioning"
    SEARCH_ALIASES = ["sd3 prompt", "t5"]
    DESCRIPTION = "A prompt for each of Stable Diffusion 3's text encoders."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "clip": inputs.socket("CLIP"),
                "clip_l": prompt("For CLIP-L."),
                "clip_g": prompt("For CLIP-G."),
                "t5xxl": prompt("For T5."),
                "empty_padding": inputs.combo(
                    ["none", "empty_prompt"], "What an encoder without a prompt gives: nothing, or an empty prompt."
                ),
            }
        }

    def encode(self, clip: Any, clip_l: str, clip_g: str, t5xxl: str, empty_padding: str) -> tuple[Conditioning]:
        tokens = checked_clip(clip).tokenize(clip_g)
        if "l" not in tokens or "t5xxl" not in tokens:
            raise ValueError("this text encoder is not Stable Diffusion 3's, which has three parts")
        texts = {"l": clip_l, "g": clip_g, "t5xxl": t5xxl}
        drop_empty = empty_padding == "none"
        tokens = {
            name: [] if drop_empty and not text.strip() else clip.tokenize(text)[name] for name, text in texts.items()
        }
        if tokens["l"] or tokens["g"]:
            _even_chunks(clip, tokens, "l", "g")
        return _encoded(clip, tokens)


class CLIPTextEncodeHiDream:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "encode"
    CATEGORY = "advanced/conditioning"
    SEARCH_ALIASES = ["hidream prompt", "llama"]
    DESCRIPTION = "A prompt for each of HiDream's text encoders."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "clip": inputs.socket("CLIP"),
                "clip_l": prompt("For CLIP-L."),
                "clip_g": prompt("For CLIP-G."),
                "t5xxl": prompt("For T5."),
                "llama": prompt("For Llama."),
            }
        }

    def encode(self, clip: Any, clip_l: str, clip_g: str, t5xxl: str, llama: str) -> tuple[Conditioning]:
        texts = {"l": clip_l, "g": clip_g, "t5xxl": t5xxl, "llama": llama}
        known = checked_clip(clip).tokenize("")
        if "llama" not in known and "t5xxl" not in known:
            raise ValueError("this text encoder is not HiDream's, which has four parts")
        return _encoded(clip, {name: clip.tokenize(text)[name] for name, text in texts.items() if name in known})


class CLIPTextEncodeControlnet:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "encode"
    CATEGORY = "_for_testing/conditioning"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["prompt for controlnet", "control text"]
    DESCRIPTION = "A prompt of its own for the control networks of a conditioning."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "clip": inputs.socket("CLIP"),
                "conditioning": inputs.socket("CONDITIONING"),
                "text": prompt("The prompt for the control network."),
            }
        }

    def encode(self, clip: Any, conditioning: Conditioning, text: str) -> tuple[Conditioning]:
        cond, pooled = checked_clip(clip).encode_from_tokens(clip.tokenize(text), return_pooled=True)
        more = {"cross_attn_controlnet": cond, "pooled_output_controlnet": pooled}
        return ([[entry[0], {**entry[1], **more}] for entry in conditioning],)


class CLIPTextEncodeLumina2:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "encode"
    CATEGORY = "conditioning"
    SEARCH_ALIASES = ["lumina prompt", "system prompt"]
    DESCRIPTION = "A prompt for Lumina 2, after words that tell the language model what it is for."

    _SYSTEM = {
        "superior": "You are an assistant designed to generate superior images with the superior degree of image-text "
        "alignment based on textual prompts or user prompts.",
        "alignment": "You are an assistant designed to generate high-quality images with the highest degree of "
        "image-text alignment based on textual prompts.",
    }

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "system_prompt": inputs.combo(
                    list(cls._SYSTEM), "Which words come first: for beauty, or for precision."
                ),
                "user_prompt": prompt("The prompt."),
                "clip": inputs.socket("CLIP"),
            }
        }

    def encode(self, clip: Any, user_prompt: str, system_prompt: str) -> tuple[Conditioning]:
        text = f"{self._SYSTEM[system_prompt]} <Prompt Start> {user_prompt}"
        return _encoded(checked_clip(clip), clip.tokenize(text))


class T5TokenizerOptions:
    RETURN_TYPES = ("CLIP",)
    FUNCTION = "set_options"
    CATEGORY = "_for_testing/conditioning"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["padding", "chroma", "t5"]
    DESCRIPTION = "How many empty tokens T5 reads after a prompt; Chroma was trained with one or none."

    #: What packs call the encoders of the T5 kind.
    _KINDS = ("t5xxl", "pile_t5xl", "t5base", "mt5xl", "umt5xxl")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "clip": inputs.socket("CLIP"),
                "min_padding": inputs.integer(0, 0, 10000, 1, "Empty tokens after the prompt in any case."),
                "min_length": inputs.integer(0, 0, 10000, 1, "Empty tokens fill up to this many tokens in all."),
            }
        }

    def set_options(self, clip: Any, min_padding: int, min_length: int) -> tuple[Any]:
        made = checked_clip(clip).clone()
        for kind in self._KINDS:
            made.set_tokenizer_option(f"{kind}_min_padding", min_padding)
            made.set_tokenizer_option(f"{kind}_min_length", min_length)
        return (made,)


NODES: dict[str, tuple[type, str | None]] = {
    "CLIPTextEncode": (CLIPTextEncode, "CLIP Text Encode (Prompt)"),
    "CLIPSetLastLayer": (CLIPSetLastLayer, "CLIP Set Last Layer"),
    "CLIPTextEncodeSDXL": (CLIPTextEncodeSDXL, None),
    "CLIPTextEncodeSDXLRefiner": (CLIPTextEncodeSDXLRefiner, None),
    "CLIPTextEncodeFlux": (CLIPTextEncodeFlux, None),
    "CLIPTextEncodeSD3": (CLIPTextEncodeSD3, None),
    "CLIPTextEncodeHiDream": (CLIPTextEncodeHiDream, None),
    "CLIPTextEncodeControlnet": (CLIPTextEncodeControlnet, None),
    "T5TokenizerOptions": (T5TokenizerOptions, None),
    "CLIPTextEncodeLumina2": (CLIPTextEncodeLumina2, "CLIP Text Encode for Lumina2"),
}
