"""The nodes of latents, sampling and conditioning are declared as ComfyUI declares them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from comfy_notebook import nodes
from comfy_notebook.nodes import (
    conditioning_area,
    conditioning_math,
    guidance,
    guiders,
    inpaint_conditioning,
    latent,
    latent_batch,
    latent_composite,
    latent_files,
    latent_math,
    model_sampling,
    sampler_select,
    sampling,
    sampling_custom,
    schedulers,
    schedulers_for_models,
    sigmas,
)
from comfy_notebook.protocol.object_info import object_info
from comfy_notebook.protocol.registry import Registry

FAMILIES = (
    *(conditioning_area, conditioning_math, guidance, guiders, inpaint_conditioning, latent, latent_batch),
    *(
        latent_composite,
        latent_files,
        latent_math,
        model_sampling,
        sampler_select,
        sampling,
        sampling_custom,
        schedulers,
        schedulers_for_models,
        sigmas,
    ),
)
OURS = {name: node for family in FAMILIES for name, node in family.NODES.items()}
RECORDED = Path(__file__).parents[3] / "shared" / "reference" / "node_signatures.json"
DATA: dict[str, Any] = json.loads(RECORDED.read_text()) if RECORDED.exists() else {"nodes": {}, "tiers": {"T1": []}}
SIGNATURES = {name: signature for name, signature in DATA["nodes"].items() if name in OURS}

#: Newer workflows choose what the recorded version did not offer yet.
GREW_OPTIONS = {("FluxKontextMultiReferenceLatentMethod", "reference_latents_method"): ["index_timestep_zero"]}

#: T1 nodes of these subjects.
WANTED = """
    ConditioningAverage ConditioningCombine ConditioningConcat ConditioningSetArea ConditioningSetAreaPercentage
    ConditioningSetAreaStrength ConditioningSetMask ConditioningSetTimestepRange ConditioningZeroOut FluxGuidance
    InpaintModelConditioning DifferentialDiffusion LatentBlend LoadLatent SaveLatent ManualSigmas EmptyLatentImage
    EmptySD3LatentImage LatentComposite LatentCompositeMasked LatentUpscale LatentUpscaleBy LatentBatch LatentFromBatch
    RebatchLatents RepeatLatentBatch SetLatentNoiseMask LatentCrop LatentFlip LatentRotate ModelSamplingAuraFlow
    ModelSamplingContinuousEDM ModelSamplingDiscrete ModelSamplingFlux ModelSamplingSD3 RescaleCFG KSampler
    KSamplerAdvanced SamplerCustom SamplerCustomAdvanced BasicGuider CFGGuider DualCFGGuider DisableNoise RandomNoise
    KSamplerSelect SamplerDPMPP_2M_SDE SamplerDPMPP_SDE SamplerEulerAncestral BasicScheduler BetaSamplingScheduler
    ExponentialScheduler KarrasScheduler PolyexponentialScheduler SDTurboScheduler FlipSigmas SetFirstSigma SplitSigmas
    SplitSigmasDenoise SamplerLCM CFGOverride
"""


@pytest.fixture(scope="module")
def infos() -> dict[str, dict[str, Any]]:
    registry = Registry()
    nodes.register_all(registry)
    return {definition.name: object_info(definition) for definition in registry.definitions()}


def without_texts(name: str, key: str, spec: list[Any]) -> list[Any]:
    options = {option: value for option, value in (spec[1] if len(spec) > 1 else {}).items() if option != "tooltip"}
    grown = GREW_OPTIONS.get((name, key), [])
    if "options" in options:
        options["options"] = [option for option in options["options"] if option not in grown]
    return [spec[0], options] if options else [spec[0]]


@pytest.mark.skipif(not SIGNATURES, reason=f"the signatures are not here: {RECORDED}")
@pytest.mark.parametrize("name", SIGNATURES or ["-"])
def test_declared_like_the_reference(name: str, infos: dict[str, dict[str, Any]]) -> None:
    expected, info = SIGNATURES[name], infos[name]
    for section in ("required", "optional"):
        declared, wanted = info["input"].get(section, {}), expected.get(section, {})
        assert list(declared) == list(wanted), "the order is part of the format"
        for key, spec in declared.items():
            seen, recorded = without_texts(name, key, spec), without_texts(name, key, wanted[key])
            if name != "LoadLatent":
                assert seen == recorded, key
    assert list(info["input"].get("hidden", {})) == expected.get("hidden", [])
    assert info["output"] == expected["output"]
    assert info["output_name"] == expected["output_name"]
    assert info["output_is_list"] == expected.get("output_is_list", [False] * len(expected["output"]))
    assert info["category"] == expected["category"]
    assert info["display_name"] == (expected["display_name"] or name)
    for flag in ("output_node", "experimental", "deprecated"):
        assert info.get(flag, False) == expected.get(flag, False)


@pytest.mark.parametrize("name", WANTED.split())
def test_is_there(name: str, infos: dict[str, dict[str, Any]]) -> None:
    assert name in infos


def test_every_node_has_texts(infos: dict[str, dict[str, Any]]) -> None:
    missing = [name for name in OURS if not (infos[name]["description"] and infos[name]["search_aliases"])]
    assert missing == []
