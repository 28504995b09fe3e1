"""What custom nodes hang on a model beside weights: functions around guidance, attention and blocks of the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Options = dict[str, Any]


def copy_options(options: Any) -> Any:
    """Options with their dicts and lists copied, what is in them shared."""
    if isinstance(options, dict):
        return {key: copy_options(value) for key, value in options.items()}
    return list(options) if isinstance(options, list) else options


def _is_cfg_off(value: bool) -> Options:
    return {"disable_cfg1_optimization": True} if value else {}


class OptionSetters:
    """The setters of :class:`~.patcher.ModelPatcher` that change ``model_options`` of this one clone only."""

    model_options: Options

    @property
    def _transformer_options(self) -> Options:
        options: Options = self.model_options.setdefault("transformer_options", {})
        return options

    def _append(self, key: str, function: Callable[..., Any]) -> None:
        self.model_options[key] = [*self.model_options.get(key, []), function]

    def set_model_sampler_cfg_function(
        self, sampler_cfg_function: Callable[..., Any], disable_cfg1_optimization: bool = False
    ) -> None:
        """Replace guidance: ``f({cond, uncond, cond_scale, sigma, …})`` gives the noise that is taken away."""
        self.model_options["sampler_cfg_function"] = sampler_cfg_function
        self.model_options.update(_is_cfg_off(disable_cfg1_optimization))

    def set_model_sampler_post_cfg_function(
        self, post_cfg_function: Callable[..., Any], disable_cfg1_optimization: bool = False
    ) -> None:
        """Change the denoised latent after guidance."""
        self._append("sampler_post_cfg_function", post_cfg_function)
        self.model_options.update(_is_cfg_off(disable_cfg1_optimization))

    def set_model_sampler_pre_cfg_function(
        self, pre_cfg_function: Callable[..., Any], disable_cfg1_optimization: bool = False
    ) -> None:
        """Change the outputs for each conditioning before guidance."""
        self._append("sampler_pre_cfg_function", pre_cfg_function)
        self.model_options.update(_is_cfg_off(disable_cfg1_optimization))

    def set_model_sampler_calc_cond_batch_function(self, sampler_calc_cond_batch_function: Callable[..., Any]) -> None:
        self.model_options["sampler_calc_cond_batch_function"] = sampler_calc_cond_batch_function

    def set_model_unet_function_wrapper(self, unet_wrapper_function: Callable[..., Any]) -> None:
        """Wrap every call of the network: ``f(apply_model, {input, timestep, c, cond_or_uncond})``."""
        self.model_options["model_function_wrapper"] = unet_wrapper_function

    def set_model_denoise_mask_function(self, denoise_mask_function: Callable[..., Any]) -> None:
        self.model_options["denoise_mask_function"] = denoise_mask_function

    def set_model_patch(self, patch: Any, name: str) -> None:
        """Add ``patch`` to those called ``name`` (``attn1_patch``, ``output_block_patch`` …)."""
        patches = self._transformer_options.setdefault("patches", {})
        patches[name] = [*patches.get(name, []), patch]

    def set_model_patch_replace(
        self, patch: Any, name: str, block_name: str, number: int, transformer_index: int | None = None
    ) -> None:
        """Let ``patch`` take the place of ``name`` (``attn1``, ``attn2``, ``dit``) in a block."""
        replaced = self._transformer_options.setdefault("patches_replace", {})
        block = (block_name, number) if transformer_index is None else (block_name, number, transformer_index)
        replaced[name] = {**replaced.get(name, {}), block: patch}

    def set_model_attn1_patch(self, patch: Any) -> None:
        self.set_model_patch(patch, "attn1_patch")

    def set_model_attn2_patch(self, patch: Any) -> None:
        self.set_model_patch(patch, "attn2_patch")

    def set_model_attn1_replace(
        self, patch: Any, block_name: str, number: int, transformer_index: int | None = None
    ) -> None:
        self.set_model_patch_replace(patch, "attn1", block_name, number, transformer_index)

    def set_model_attn2_replace(
        self, patch: Any, block_name: str, number: int, transformer_index: int | None = None
    ) -> None:
        self.set_model_patch_replace(patch, "attn2", block_name, number, transformer_index)

    def set_model_attn1_output_patch(self, patch: Any) -> None:
        self.set_model_patch(patch, "attn1_output_patch")

    def set_model_attn2_output_patch(self, patch: Any) -> None:
        self.set_model_patch(patch, "attn2_output_patch")

    def set_model_input_block_patch(self, patch: Any) -> None:
        self.set_model_patch(patch, "input_block_patch")

    def set_model_input_block_patch_after_skip(self, patch: Any) -> None:
        self.set_model_patch(patch, "input_block_patch_after_skip")

    def set_model_output_block_patch(self, patch: Any) -> None:
        self.set_model_patch(patch, "output_block_patch")

    def set_model_emb_patch(self, patch: Any) -> None:
        self.set_model_patch(patch, "emb_patch")

    def set_model_forward_timestep_embed_patch(self, patch: Any) -> None:
        self.set_model_patch(patch, "forward_timestep_embed_patch")

    def set_model_double_block_patch(self, patch: Any) -> None:
        self.set_model_patch(patch, "double_block")

    def set_model_post_input_patch(self, patch: Any) -> None:
        self.set_model_patch(patch, "post_input")

    def add_wrapper(self, wrapper_type: str, wrapper: Any) -> None:
        self.add_wrapper_with_key(wrapper_type, None, wrapper)

    def add_wrapper_with_key(self, wrapper_type: str, key: str | None, wrapper: Any) -> None:
        """Put ``wrapper`` around what ``wrapper_type`` names (``outer_sample``, ``calc_cond_batch`` …)."""
        kinds = self._transformer_options.setdefault("wrappers", {}).setdefault(wrapper_type, {})
        kinds[key] = [*kinds.get(key, []), wrapper]

    def remove_wrappers_with_key(self, wrapper_type: str, key: str | None) -> None:
        self._transformer_options.get("wrappers", {}).get(wrapper_type, {}).pop(key, None)

    def get_wrappers(self, wrapper_type: str, key: str | None) -> list[Any]:
        found = self._transformer_options.get("wrappers", {}).get(wrapper_type, {}).get(key, [])
        return list(found)

    def get_all_wrappers(self, wrapper_type: str) -> list[Any]:
        kinds = self._transformer_options.get("wrappers", {}).get(wrapper_type, {})
        return [wrapper for wrappers in kinds.values() for wrapper in wrappers]
