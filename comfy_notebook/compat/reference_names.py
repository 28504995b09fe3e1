"""Which modules and names the reference (0.3.64) has, so that honest questions get the answer they would get there."""

from __future__ import annotations

#: Top-level packages below which any name may be a stand-in.
ROOTS = ("comfy", "comfy_extras", "comfy_execution", "comfy_api_nodes", "comfy_config", "app", "api_server")

_LDM = (
    *("ace", "audio", "aura", "cascade", "chroma", "chroma_radiance", "common_dit", "cosmos", "flux", "genmo"),
    *("hidream", "hunyuan3d", "hunyuan3dv2_1", "hunyuan_video", "hydit", "lightricks", "lumina", "models", "modules"),
    *("omnigen", "pixart", "qwen_image", "util", "wan"),
)
_COMFY = (
    *("audio_encoders", "checkpoint_pickle", "cldm", "cli_args", "clip_model", "clip_vision", "comfy_types", "conds"),
    *("context_windows", "controlnet", "diffusers_convert", "diffusers_load", "extra_samplers", "float", "gligen"),
    *("hooks", "image_encoders", "k_diffusion", "latent_formats", "ldm", "lora", "lora_convert", "model_base"),
    *("model_detection", "model_management", "model_patcher", "model_sampling", "ops", "options"),
    *("patcher_extension", "pixel_space_convert", "rmsnorm", "sample", "sampler_helpers", "samplers", "sd"),
    *("sd1_clip", "sdxl_clip", "supported_models", "supported_models_base", "t2i_adapter", "taesd"),
    *("text_encoders", "utils", "weight_adapter"),
)
_EXTRAS = (
    *("nodes_ace", "nodes_advanced_samplers", "nodes_align_your_steps", "nodes_apg", "nodes_attention_multiply"),
    *("nodes_audio", "nodes_audio_encoder", "nodes_camera_trajectory", "nodes_canny", "nodes_cfg"),
    *("nodes_chroma_radiance", "nodes_clip_sdxl", "nodes_compositing", "nodes_cond", "nodes_context_windows"),
    *("nodes_controlnet", "nodes_cosmos", "nodes_custom_sampler", "nodes_differential_diffusion"),
    *("nodes_easycache", "nodes_edit_model", "nodes_eps", "nodes_flux", "nodes_freelunch", "nodes_fresca"),
    *("nodes_gits", "nodes_hidream", "nodes_hooks", "nodes_hunyuan", "nodes_hunyuan3d", "nodes_hypernetwork"),
    *("nodes_hypertile", "nodes_images", "nodes_ip2p", "nodes_latent", "nodes_load_3d", "nodes_lora_extract"),
    *("nodes_lotus", "nodes_lt", "nodes_lumina2", "nodes_mahiro", "nodes_mask", "nodes_mochi"),
    *("nodes_model_advanced", "nodes_model_downscale", "nodes_model_merging", "nodes_model_patch", "nodes_morphology"),
    *("nodes_optimalsteps", "nodes_pag", "nodes_perpneg", "nodes_photomaker", "nodes_pixart", "nodes_post_processing"),
    *("nodes_preview_any", "nodes_primitive", "nodes_qwen", "nodes_rebatch", "nodes_rope", "nodes_sag", "nodes_sd3"),
    *("nodes_sdupscale", "nodes_slg", "nodes_stable3d", "nodes_stable_cascade", "nodes_string", "nodes_tcfg"),
    *("nodes_tomesd", "nodes_torch_compile", "nodes_train", "nodes_upscale_model", "nodes_video"),
    *("nodes_video_model", "nodes_wan", "nodes_webcam", "chainner_models"),
)
_FAMILIES = {
    "comfy": set(_COMFY),
    "comfy.ldm": set(_LDM),
    "comfy.comfy_types": {"node_typing", "examples"},
    "comfy.k_diffusion": {"sampling", "deis", "sa_solver", "utils"},
    "comfy.cldm": {"cldm", "control_types", "dit_embedder", "mmdit"},
    "comfy.extra_samplers": {"uni_pc"},
    "comfy.image_encoders": {"dino2"},
    "comfy.t2i_adapter": {"adapter"},
    "comfy.taesd": {"taesd"},
    "comfy.audio_encoders": {"audio_encoders", "wav2vec2"},
    "comfy.weight_adapter": {"base", "boft", "glora", "loha", "lokr", "lora", "oft"},
    "comfy.ldm.modules": {
        *("attention", "diffusionmodules", "distributions", "ema", "encoders", "sub_quadratic_attention"),
    },
    "comfy.ldm.modules.diffusionmodules": {"mmdit", "model", "openaimodel", "upscaling", "util"},
    "comfy.ldm.models": {"autoencoder"},
    "comfy.ldm.flux": {"controlnet", "layers", "math", "model", "redux"},
    "comfy.ldm.wan": {"model", "vae", "vae2_2"},
    "comfy.ldm.lightricks": {"model", "symmetric_patchifier", "vae"},
    "comfy.ldm.hunyuan_video": {"model", "vae", "vae_refiner"},
    "comfy.ldm.qwen_image": {"controlnet", "model"},
    "comfy.ldm.cascade": {"common", "controlnet", "stage_a", "stage_b", "stage_c", "stage_c_coder"},
    "comfy.text_encoders": {
        *("ace", "aura_t5", "bert", "cosmos", "flux", "genmo", "hidream", "hunyuan_image", "hunyuan_video", "hydit"),
        *("llama", "long_clipl", "lt", "lumina2", "omnigen2", "pixart_t5", "qwen_image", "sa_t5", "sd2_clip"),
        *("sd3_clip", "spiece_tokenizer", "t5", "wan"),
    },
    "comfy_extras": set(_EXTRAS),
    "comfy_extras.chainner_models": {"model_loading"},
    "comfy_execution": {"caching", "graph", "graph_utils", "progress", "utils", "validation"},
    "app": {"app_settings", "custom_node_manager", "database", "frontend_management", "logger", "model_manager",
            "user_manager"},
}  # fmt: skip

#: Names that packs ask for honestly, by module.
_NAMES = {
    "comfy.samplers": (
        "CFGGuider KSAMPLER KSAMPLER_NAMES KSampler SAMPLER_NAMES SCHEDULER_HANDLERS SCHEDULER_NAMES Sampler "
        "SchedulerHandler beta_scheduler calc_cond_batch calculate_sigmas calculate_start_end_timesteps "
        "cast_to_load_options cfg_function ddim_scheduler get_area_and_mult ksampler normal_scheduler "
        "process_conds sample sampler_object sampling_function simple_scheduler"
    ),
    "comfy.sample": "fix_empty_latent_channels prepare_noise prepare_sampling sample sample_custom",
    "comfy.sd": (
        "CLIP CLIPType StyleModel VAE load_checkpoint load_checkpoint_guess_config load_clip "
        "load_diffusion_model load_diffusion_model_state_dict load_gligen load_lora_for_models "
        "load_state_dict_guess_config load_style_model load_text_encoder_state_dicts load_unet "
        "save_checkpoint"
    ),
    "comfy.model_patcher": (
        "LowVramPatch ModelPatcher create_hook_patches_clone create_model_options_clone get_key_weight "
        "set_model_options_patch_replace string_to_seed"
    ),
    "comfy.controlnet": "ControlBase ControlLora ControlNet T2IAdapter load_controlnet",
    "comfy.ldm.modules.attention": (
        "BasicTransformerBlock CrossAttention FeedForward SpatialTransformer SpatialVideoTransformer "
        "attention_basic attention_pytorch attention_split attention_sub_quad attention_xformers default "
        "exists optimized_attention optimized_attention_for_device optimized_attention_masked"
    ),
    "comfy.ldm.modules.diffusionmodules.openaimodel": (
        "Downsample ResBlock TimestepEmbedSequential UNetModel Upsample VideoResBlock apply_control "
        "forward_timestep_embed"
    ),
    "comfy.ops": "CastWeightBiasOp cast_bias_weight cast_to cast_to_input disable_weight_init manual_cast",
    "comfy.lora": "LORA_CLIP_MAP calculate_weight load_lora model_lora_keys_clip model_lora_keys_unet",
    "comfy.model_base": "BaseModel Flux HunyuanVideo LTXV ModelType SD3 SDXL WAN21 model_sampling",
    "comfy.model_sampling": (
        "CONST EDM EPS ModelSamplingContinuousEDM ModelSamplingDiscrete ModelSamplingDiscreteFlow "
        "ModelSamplingFlux V_PREDICTION X0 time_snr_shift"
    ),
    "comfy.latent_formats": "Flux HunyuanVideo LTXV LatentFormat Mochi SD15 SD3 SDXL Wan21 Wan22",
    "comfy.clip_vision": "ClipVisionModel Output clip_preprocess load",
    "comfy.conds": "CONDConstant CONDCrossAttn CONDList CONDNoiseShape CONDRegular",
    "comfy.hooks": "EnumHookScope EnumHookType Hook HookGroup HookKeyframe HookKeyframeGroup",
    "comfy.patcher_extension": "CallbacksMP PatcherInjection WrapperExecutor WrappersMP add_wrapper",
    "comfy.sampler_helpers": (
        "cleanup_additional_models cleanup_models convert_cond get_additional_models get_models_from_cond "
        "prepare_mask prepare_sampling"
    ),
    "comfy.utils": (
        "MMDIT_MAP_BASIC UNET_MAP_ATTENTIONS UNET_MAP_BASIC UNET_MAP_RESNET flux_to_diffusers "
        "mmdit_to_diffusers transformers_convert unet_to_diffusers"
    ),
    "comfy.ldm.flux.math": "apply_rope attention rope",
    "comfy.ldm.lightricks.model": "LTXVModel apply_rotary_emb precompute_freqs_cis",
    "comfy.ldm.wan.model": "WanI2VCrossAttention WanModel WanSelfAttention WanT2VCrossAttention VaceWanModel",
    "comfy.text_encoders.flux": "FluxClipModel FluxTokenizer",
    "comfy.text_encoders.sd3_clip": "SD3ClipModel SD3Tokenizer T5XXLModel T5XXLTokenizer",
    "comfy_extras.nodes_custom_sampler": "Guider_Basic Guider_DualCFG Noise_EmptyNoise Noise_RandomNoise",
    "comfy_extras.nodes_flux": "CLIPTextEncodeFlux FluxDisableGuidance FluxGuidance FluxKontextImageScale",
    "latent_preview": "Latent2RGBPreviewer TAESDPreviewerImpl",
}


def is_module(name: str) -> bool:
    """Whether the reference has a module of this dotted name; of families we know no members of, any."""
    if name in ROOTS:
        return True
    parent, _, leaf = name.rpartition(".")
    if parent in _FAMILIES:
        return leaf in _FAMILIES[parent]
    return parent.startswith("comfy.ldm.") and parent.count(".") == 2 and leaf in ("model", "vae") and is_module(parent)


def has_name(module: str, name: str) -> bool:
    """Whether it is known that the reference's ``module`` has ``name``."""
    return name in _NAMES.get(module, "").split()
