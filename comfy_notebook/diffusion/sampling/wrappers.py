"""Functions that custom nodes put around steps of sampling (they import this module as ``comfy.patcher_extension``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


class CallbacksMP:
    """When callbacks of a model are called."""

    ON_CLONE = "on_clone"
    ON_LOAD = "on_load_after"
    ON_DETACH = "on_detach_after"
    ON_CLEANUP = "on_cleanup"
    ON_PRE_RUN = "on_pre_run"
    ON_PREPARE_STATE = "on_prepare_state"
    ON_APPLY_HOOKS = "on_apply_hooks"
    ON_REGISTER_ALL_HOOK_PATCHES = "on_register_all_hook_patches"
    ON_INJECT_MODEL = "on_inject_model"
    ON_EJECT_MODEL = "on_eject_model"


class WrappersMP:
    """What wrappers can be put around."""

    OUTER_SAMPLE = "outer_sample"
    PREPARE_SAMPLING = "prepare_sampling"
    SAMPLER_SAMPLE = "sampler_sample"
    PREDICT_NOISE = "predict_noise"
    CALC_COND_BATCH = "calc_cond_batch"
    APPLY_MODEL = "apply_model"
    DIFFUSION_MODEL = "diffusion_model"


class WrapperExecutor:
    """A function with wrappers around it: each is called with an executor that goes on inwards, and the arguments."""

    def __init__(
        self, original: Callable[..., Any], class_obj: Any = None, wrappers: Sequence[Any] = (), idx: int = 0
    ) -> None:
        self.original = original
        self.class_obj = class_obj
        self.wrappers = list(wrappers)
        self.idx = idx
        self.is_last = idx == len(self.wrappers)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Go on with the next wrapper, or with the function itself."""
        return WrapperExecutor(self.original, self.class_obj, self.wrappers, self.idx + 1).execute(*args, **kwargs)

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Call the wrapper that is due, or the function itself after the last."""
        if self.is_last:
            return self.original(*args, **kwargs)
        return self.wrappers[self.idx](self, *args, **kwargs)

    @classmethod
    def new_executor(cls, original: Callable[..., Any], wrappers: Sequence[Any], idx: int = 0) -> WrapperExecutor:
        return cls(original, None, wrappers, idx)

    @classmethod
    def new_class_executor(
        cls, original: Callable[..., Any], class_obj: Any, wrappers: Sequence[Any], idx: int = 0
    ) -> WrapperExecutor:
        return cls(original, class_obj, wrappers, idx)


def get_all_wrappers(
    wrapper_type: str, transformer_options: Mapping[str, Any], is_model_options: bool = False
) -> list[Any]:
    """The wrappers of a kind, in the order in which they were added."""
    options = transformer_options.get("transformer_options", {}) if is_model_options else transformer_options
    kinds = options.get("wrappers", {}).get(wrapper_type, {})
    return [wrapper for wrappers in kinds.values() for wrapper in wrappers]


def wrapped(
    wrapper_type: str, model_options: Mapping[str, Any], function: Callable[..., Any], owner: Any = None
) -> Any:
    """``function`` inside the wrappers that ``model_options`` hold for it."""
    wrappers = get_all_wrappers(wrapper_type, model_options, is_model_options=True)
    return WrapperExecutor(function, owner, wrappers).execute if wrappers else function


def add_wrapper_with_key(
    wrapper_type: str,
    key: str | None,
    wrapper: Callable[..., Any],
    transformer_options: dict[str, Any],
    is_model_options: bool = False,
) -> None:
    """Put a wrapper into options."""
    options = transformer_options.setdefault("transformer_options", {}) if is_model_options else transformer_options
    options.setdefault("wrappers", {}).setdefault(wrapper_type, {}).setdefault(key, []).append(wrapper)


def add_wrapper(
    wrapper_type: str, wrapper: Callable[..., Any], transformer_options: dict[str, Any], is_model_options: bool = False
) -> None:
    """Put a wrapper without a key into options."""
    add_wrapper_with_key(wrapper_type, None, wrapper, transformer_options, is_model_options)
