"""Prompts to tokens to hidden states, against transformers' tokenizers and models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from comfy_notebook import folders
from comfy_notebook.diffusion.checkpoints.files import WeightsError, write_weights
from comfy_notebook.diffusion.text.bpe import END, START, clip_vocabulary
from comfy_notebook.diffusion.text.chunks import ClipTokenizer
from comfy_notebook.diffusion.text.language import LanguageTokenizer
from comfy_notebook.diffusion.text.prompt import weighted_segments

from . import tiny

SEGMENTS = {
    "plain words": [("plain words", 1.0)],
    "": [],
    "(more)": [("more", 1.1)],
    "((most))": [("most", 1.1 * 1.1)],
    "a (b:1.3) c": [("a ", 1.0), ("b", 1.3), (" c", 1.0)],
    "(outer (inner:0.5) end)": [("outer ", 1.1), ("inner", 0.5), (" end", 1.1)],
    "(no number:x)": [("no number:x", 1.1)],
    "(minus:-0.5)(zero:0)": [("minus", -0.5), ("zero", 0.0)],
    r"\(literal\) (w \(in\):1.2)": [("(literal) ", 1.0), ("w (in)", 1.2)],
    "[square] stays": [("[square] stays", 1.0)],
    "(open": [("(open", 1.0)],
    "(:1.2)": [(":1.2", 1.1)],
}


@pytest.mark.parametrize("text", SEGMENTS)
def test_weights_in_prompts(text: str) -> None:
    found = weighted_segments(text)
    assert [piece for piece, _ in found] == [piece for piece, _ in SEGMENTS[text]]
    assert [weight for _, weight in found] == pytest.approx([weight for _, weight in SEGMENTS[text]])


TEXTS = [
    "a photo of a cat",
    "A PHOTO, of   two-thirds\n\tof: 3.14!",
    "it's we'll they'd — “quotes” café naïve 猫 🐱",
    "<|endoftext|> <|startoftext|>",
    "supercalifragilisticexpialidocious " * 3,
    "x²+y² ½ ﬁ ß Straße İstanbul",
]


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_are_those_of_transformers(text: str) -> None:
    transformers = pytest.importorskip("transformers", reason="the extra 'diffusion' is not installed")
    vocabulary = clip_vocabulary()
    merges = [tuple(pair) for pair in vocabulary._rank]
    tokenizer = transformers.CLIPTokenizer(vocab=dict(vocabulary.ids), merges=merges)
    expected = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert vocabulary.encode(text) == expected


def test_vocabulary_is_whole() -> None:
    vocabulary = clip_vocabulary()
    assert len(vocabulary.ids) == 49408
    assert (vocabulary.ids["<|startoftext|>"], vocabulary.ids["<|endoftext|>"]) == (START, END)
    assert vocabulary.decode(vocabulary.encode("a cat, and a dog!")) == "a cat , and a dog !"


def test_short_words_are_not_broken_over_chunks_and_long_ones_are() -> None:
    tokenizer = ClipTokenizer()
    chunks = tokenizer.tokenize("a " * 73 + "(red apple tree:1.2)")
    assert [len(chunk) for chunk in chunks] == [77, 77]
    assert [token for token in chunks[0] if token[1] != 1.0] == []
    assert [token[1] for token in chunks[1][1:4]] == [1.2] * 3
    assert chunks[0][74][0] == END, "the rest of the first chunk is the end token and padding"
    chunks = tokenizer.tokenize("b " * 200)
    assert [sum(token[0] not in (START, END) for token in chunk) for chunk in chunks] == [75, 75, 50]


def test_other_encoders_pad_with_zero_and_words_are_numbered() -> None:
    [chunk] = ClipTokenizer(pad=0).tokenize("one (two:1.1)", return_word_ids=True)
    assert [token[0] for token in chunk[4:]] == [0] * 73
    assert [token[2] for token in chunk[:5]] == [0, 1, 2, 0, 0]


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Path]:
    before = folders.current()
    folders.use(folders.Folders(base=tmp_path))
    yield tmp_path
    folders.use(before)


def test_embeddings_insert_rows(base: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = torch.randn(3, 64)
    write_weights({"emb_params": rows}, base / "models" / "embeddings" / "style" / "mine.safetensors")
    tokenizer = ClipTokenizer(width=64)
    [chunk] = tokenizer.tokenize("a (embedding:style/mine:1.2), cat")
    inserted = [token for token in chunk if not isinstance(token[0], int)]
    assert [token[1] for token in inserted] == [1.2] * 3
    for token, row in zip(inserted, rows, strict=True):
        assert torch.equal(token[0], row)
    after = [token[0] for token in chunk[5:7]]
    assert after == clip_vocabulary().encode(", cat")
    [chunk] = tokenizer.tokenize("embedding:style/main, cat")
    assert "style/mine" in caplog.text
    assert [token[0] for token in chunk[1:3]] == clip_vocabulary().encode(", cat")
    ClipTokenizer(width=768).tokenize("embedding:style/mine")
    assert "it is for another model (width 64, not 768)" in caplog.text


def parameters(rows: Any) -> Any:
    return torch.nn.ParameterDict({"*": torch.nn.Parameter(rows)})


@pytest.mark.parametrize("holding", [dict, parameters], ids=["dict", "ParameterDict"])
def test_embeddings_in_pickles_are_read_where_the_user_allows_them(
    base: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, holding: Any
) -> None:
    rows = torch.randn(2, 64)
    held = holding(rows) if holding is parameters else {"*": rows}
    folder = base / "models" / "embeddings"
    folder.mkdir(parents=True)
    torch.save({"string_to_token": {"*": 265}, "string_to_param": held, "name": "old"}, folder / "old.pt")
    tokenizer = ClipTokenizer(width=64)
    tokenizer.tokenize("embedding:old")
    assert "set the environment variable COMFY_NOTEBOOK_ALLOW_PICKLE=1" in caplog.text
    monkeypatch.setenv("COMFY_NOTEBOOK_ALLOW_PICKLE", "1")
    [chunk] = tokenizer.tokenize("embedding:old")
    inserted = [token[0] for token in chunk if not isinstance(token[0], int)]
    assert torch.equal(torch.stack(inserted).reshape(2, 64), rows)


def word_tokenizer(folder: Path, words: list[str]) -> None:
    """A tokenizer.json that knows whole words."""
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({word: i for i, word in enumerate(words)}, "<unk>"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    made.add_special_tokens([word for word in words if word.startswith("<|")])
    folder.mkdir(parents=True)
    made.save(str(folder / "tokenizer.json"))


def test_a_missing_tokenizer_is_named_with_its_place(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tokenizers")
    from comfy_notebook.diffusion.text.tokenizer_files import load_tokenizer

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsError, match=r"tokenizer 't5' is missing: put .*tokenizer\.json.*tokenizers/t5"):
        load_tokenizer("t5")


def t5_weights() -> dict[str, torch.Tensor]:
    """T5 v1.1, small: two heads of 16, two blocks."""
    shapes: dict[str, tuple[int, ...]] = {"shared.weight": (32, 48), "encoder.final_layer_norm.weight": (48,)}
    for number in range(2):
        block = f"encoder.block.{number}.layer"
        shapes |= {f"{block}.0.SelfAttention.{part}.weight": (32, 48) for part in "qkv"}
        shapes |= {f"{block}.0.SelfAttention.o.weight": (48, 32), f"{block}.0.layer_norm.weight": (48,)}
        shapes |= {f"{block}.1.DenseReluDense.wi_{part}.weight": (96, 48) for part in (0, 1)}
        shapes |= {f"{block}.1.DenseReluDense.wo.weight": (48, 96), f"{block}.1.layer_norm.weight": (48,)}
    shapes["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"] = (32, 2)
    return tiny.random_weights(shapes)


def test_flux_text_is_t5_and_the_pooled_clip(base: Path) -> None:
    transformers: Any = pytest.importorskip("transformers", reason="the extra 'diffusion' is not installed")
    from comfy_notebook.diffusion.text.files import load_text_encoders, which

    word_tokenizer(base / "models" / "tokenizers" / "t5", ["<pad>", "</s>", "<unk>", "a", "red", "cat"])
    folder = base / "models" / "text_encoders"
    write_weights(t5_weights(), folder / "t5.safetensors")
    small = tiny.random_weights(tiny.clip(768, 1))
    assert which(small, "x") == "l"
    write_weights({name: value.half() for name, value in small.items()}, folder / "clip_l.safetensors")
    clip = load_text_encoders([folder / "clip_l.safetensors", folder / "t5.safetensors"], "flux")
    tokens = clip.tokenize("a (red:1.5) cat")
    assert len(tokens["t5xxl"][0]) == 256
    assert list(tokens["t5xxl"][0][:5]) == [(3, 1.0), (4, 1.5), (5, 1.0), (1, 1.0), (0, 1.0)]
    [[text, options]] = clip.encode_from_tokens_scheduled(tokens)
    assert (text.shape, options["pooled_output"].shape) == ((1, 256, 48), (1, 768))
    config = transformers.T5Config(
        vocab_size=32, d_model=48, d_kv=16, d_ff=96, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu",
        is_encoder_decoder=False,
    )  # fmt: skip
    theirs = transformers.T5EncoderModel(config).eval()
    table = {"encoder.embed_tokens.weight": t5_weights()["shared.weight"]}
    theirs.load_state_dict(t5_weights() | table)
    with torch.no_grad():
        ids = torch.tensor([[3, 4, 5, 1] + [0] * 252, [1] + [0] * 255])
        full, empty = theirs(input_ids=ids).last_hidden_state
    expected = full.clone()
    expected[1] = empty[1] + 1.5 * (full[1] - empty[1])
    torch.testing.assert_close(text[0], expected, rtol=1e-4, atol=1e-4)


def test_chroma_reads_as_many_empty_tokens_as_it_is_told(base: Path) -> None:
    pytest.importorskip("transformers", reason="the extra 'diffusion' is not installed")
    from comfy_notebook.diffusion.text.files import load_text_encoders
    from comfy_notebook.nodes.text_encode import T5TokenizerOptions

    word_tokenizer(base / "models" / "tokenizers" / "t5", ["<pad>", "</s>", "<unk>", "a", "red", "cat"])
    write_weights(t5_weights(), base / "models" / "text_encoders" / "t5.safetensors")
    clip = load_text_encoders([base / "models" / "text_encoders" / "t5.safetensors"], "chroma")

    def ids(clip: Any) -> list[int]:
        return [token[0] for token in clip.tokenize("a cat")["t5xxl"][0]]

    assert ids(clip) == [3, 5, 1]
    for options, expected in {(2, 0): [3, 5, 1, 0, 0], (0, 5): [3, 5, 1, 0, 0], (1, 3): [3, 5, 1, 0]}.items():
        assert ids(T5TokenizerOptions().set_options(clip, *options)[0]) == expected
    assert ids(clip) == [3, 5, 1]


def umt5_weights() -> dict[str, torch.Tensor]:
    """UMT5, small: T5 with places of its own in each block."""
    shape, places = (32, 2), "layer.0.SelfAttention.relative_attention_bias.weight"
    return t5_weights() | tiny.random_weights({f"encoder.block.{number}.{places}": shape for number in range(2)})


@pytest.mark.parametrize("kind", ["wan", "auraflow"])
def test_umt5_is_that_of_transformers_with_padding_hidden(kind: str, base: Path) -> None:
    transformers: Any = pytest.importorskip("transformers", reason="the extra 'diffusion' is not installed")
    from comfy_notebook.diffusion.text.files import load_text_encoders

    end, length = (1, 512) if kind == "wan" else (2, 256)
    weights = umt5_weights()
    if kind == "wan":
        weights["spiece_model"] = torch.tensor(list(spiece_model()), dtype=torch.uint8)
    else:
        word_tokenizer(base / "models" / "tokenizers" / "pile-t5", ["<pad>", "<unk>", "</s>", "▁a", "▁cat"])
    path = base / "models" / "text_encoders" / "umt5.safetensors"
    write_weights(weights, path)
    clip = load_text_encoders([path], kind)
    tokens = clip.tokenize("a cat" if kind == "wan" else "▁a ▁cat")
    assert [token[0] for token in tokens["umt5"][0]] == [3, 4, end] + [0] * (length - 3)
    config = transformers.UMT5Config(
        vocab_size=32, d_model=48, d_kv=16, d_ff=96, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu",
        is_encoder_decoder=False,
    )  # fmt: skip
    theirs = transformers.UMT5EncoderModel(config).eval()
    theirs.load_state_dict(umt5_weights() | {"encoder.embed_tokens.weight": weights["shared.weight"]})
    mask = torch.tensor([[1] * 3 + [0] * (length - 3)])
    with torch.no_grad():
        ids = torch.tensor([[3, 4, end] + [0] * (length - 3)])
        expected = theirs(input_ids=ids, attention_mask=mask).last_hidden_state * mask[..., None]
    torch.testing.assert_close(clip.encode_from_tokens(tokens), expected, rtol=1e-4, atol=1e-4)


def test_auraflows_checkpoints_hold_its_text_encoder(base: Path) -> None:
    pytest.importorskip("transformers", reason="the extra 'diffusion' is not installed")
    from comfy_notebook.diffusion.families.auraflow import AuraFlow
    from comfy_notebook.diffusion.text.files import checkpoint_names, clip_of_checkpoint

    word_tokenizer(base / "models" / "tokenizers" / "pile-t5", ["<pad>", "<unk>", "</s>", "cat"])
    weights = tiny.below("text_encoders.pile_t5xl.transformer.", umt5_weights())
    clip = clip_of_checkpoint(weights, AuraFlow.__new__(AuraFlow), "aura.safetensors")
    assert clip is not None
    assert [token[0] for token in clip.tokenize("cat")["umt5"][0][:3]] == [3, 2, 0]
    saved = checkpoint_names(clip.get_sd(), clip.cond_stage_model.names)
    assert set(weights) <= set(saved)


def qwen_weights(third: bool) -> dict[str, torch.Tensor]:
    """Qwen 2.5 or 3, small: four heads of 16 (two for keys), three layers."""
    shapes: dict[str, tuple[int, ...]] = {"embed_tokens.weight": (32, 64), "norm.weight": (64,)}
    for number in range(3):
        block = f"layers.{number}"
        rows = {"q": 64, "k": 32, "v": 32} if third else {"q": 64, "k": 64, "v": 64}
        shapes |= {f"{block}.self_attn.{part}_proj.weight": (count, 64) for part, count in rows.items()}
        if third:
            shapes |= {f"{block}.self_attn.{part}_norm.weight": (16,) for part in "qk"}
        else:
            shapes |= {f"{block}.self_attn.{part}_proj.bias": (count,) for part, count in rows.items()}
        shapes |= {f"{block}.self_attn.o_proj.weight": (64, 64), f"{block}.mlp.down_proj.weight": (64, 96)}
        shapes |= {f"{block}.mlp.{part}_proj.weight": (96, 64) for part in ("gate", "up")}
        shapes |= {f"{block}.{norm}_layernorm.weight": (64,) for norm in ("input", "post_attention")}
    return {f"model.{name}": value for name, value in tiny.random_weights(shapes).items()}


WORDS = ["<|im_start|>", "<|im_end|>", "<unk>", "user", "a", "cat", "system", "assistant"]


@pytest.mark.parametrize("third", [True, False], ids=["Z-Image: Qwen 3", "Qwen-Image: Qwen 2.5"])
def test_qwen_reads_a_prompt_inside_its_template(third: bool, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transformers: Any = pytest.importorskip("transformers", reason="the extra 'diffusion' is not installed")
    from comfy_notebook.diffusion.text import files

    monkeypatch.setattr(files, "_IM_START", 0)
    word_tokenizer(base / "models" / "tokenizers" / ("qwen3" if third else "qwen2.5-vl"), WORDS)
    path = base / "models" / "text_encoders" / "qwen.safetensors"
    write_weights(qwen_weights(third), path)
    clip = files.load_text_encoders([path], "lumina2" if third else "qwen_image")
    tokens = clip.tokenize("a cat")
    [chunk] = next(iter(tokens.values()))
    ids = [token[0] for token in chunk]
    [[text, options]] = clip.encode_from_tokens_scheduled(tokens)
    assert options["pooled_output"] is None
    config = (transformers.Qwen3Config if third else transformers.Qwen2Config)(
        vocab_size=32, hidden_size=64, intermediate_size=96, num_hidden_layers=3, rms_norm_eps=1e-6,
        num_attention_heads=4 if third else 2, num_key_value_heads=2, head_dim=16 if third else 32,
        rope_theta=1000000.0, pad_token_id=None,
    )  # fmt: skip
    theirs = (transformers.Qwen3Model if third else transformers.Qwen2Model)(config).eval()
    theirs.load_state_dict({name.removeprefix("model."): value for name, value in qwen_weights(third).items()})
    with torch.no_grad():
        made = theirs(input_ids=torch.tensor([ids]), output_hidden_states=True)
    if third:
        torch.testing.assert_close(text, made.hidden_states[-2], rtol=1e-4, atol=1e-4)
    else:
        second = [place for place, token in enumerate(ids) if token == 0][1]
        torch.testing.assert_close(text, made.last_hidden_state[:, second + 3 :], rtol=1e-4, atol=1e-4)


def _field(number: int, value: bytes | int | float) -> bytes:
    import struct

    if isinstance(value, float):
        return bytes([number << 3 | 5]) + struct.pack("<f", value)
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2, len(value)]) + value


def spiece_model() -> bytes:
    """A SentencePiece model of six pieces."""
    pieces = [
        ("<pad>", 0.0, 3),
        ("</s>", 0.0, 3),
        ("<unk>", 0.0, 2),
        ("▁a", -1.0, 1),
        ("▁cat", -2.0, 1),
        ("s", -3.0, 1),
    ]
    return b"".join(
        _field(1, _field(1, piece.encode()) + _field(2, score) + _field(3, kind)) for piece, score, kind in pieces
    )


def test_sentencepiece_models_are_read(base: Path) -> None:
    pytest.importorskip("tokenizers")
    from comfy_notebook.diffusion.text.tokenizer_files import load_tokenizer

    folder = base / "models" / "tokenizers" / "t5"
    folder.mkdir(parents=True)
    (folder / "spiece.model").write_bytes(spiece_model())
    assert load_tokenizer("t5")("a  cats") == [3, 4, 5]


def test_language_prompts_are_one_chunk_with_weights() -> None:
    tokenizer = LanguageTokenizer(lambda text: [len(word) for word in text.split()], shortest=6)
    assert tokenizer.tokenize("one (three:1.2)") == [[(3, 1.0), (5, 1.2), (1, 1.0), (0, 1.0), (0, 1.0), (0, 1.0)]]
    assert len(tokenizer.tokenize("w " * 100)[0]) == 101
    assert json.dumps(tokenizer.tokenize("x", return_word_ids=True)[0][0]) == "[1, 1.0, 1]"
