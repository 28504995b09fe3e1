"""Networks that ``torch.compile`` runs faster, as a patch of one clone of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .patch_state import replace_object, state_of
from .sampling.wrappers import WrappersMP

if TYPE_CHECKING:
    from .patcher import ModelPatcher

_KEY = "torch.compile"


def compiled(model: ModelPatcher, backend: str | Callable[..., Any]) -> ModelPatcher:
    """A clone whose network runs compiled by ``backend`` (``inductor``, ``cudagraphs``); the network itself stays.

    It is compiled on its first call, once for each shape of latents and a second time for all further ones. While its
    weights come to the device one after the other it runs as it is. A call raises ``RuntimeError`` with advice where
    it can't be compiled.
    """
    import torch

    patched = model.clone()
    faster = torch.compile(model.get_model_object("diffusion_model"), backend=backend)

    def apply_model(executor: Any, *args: Any, **kwargs: Any) -> Any:
        owner = executor.class_obj
        if state_of(owner).streamed_to is not None:
            return executor(*args, **kwargs)
        before = replace_object(owner, "diffusion_model", faster)
        try:
            made = executor(*args, **kwargs)
            return made.clone() if backend == "cudagraphs" else made  # whose next call writes to the same place
        except _failures() as error:
            raise RuntimeError(_advice(error, backend)) from error
        finally:
            replace_object(owner, "diffusion_model", before)

    patched.remove_wrappers_with_key(WrappersMP.APPLY_MODEL, _KEY)
    patched.add_wrapper_with_key(WrappersMP.APPLY_MODEL, _KEY, apply_model)
    return patched


def _failures() -> tuple[type[BaseException], ...]:
    from torch._dynamo import exc

    return (exc.BackendCompilerFailed, exc.Unsupported, exc.InternalTorchDynamoError)


def _advice(error: BaseException, backend: Any) -> str:
    reason = str(error).strip().split("\n")[0]
    need = " On a CPU it needs a C++ compiler (g++ or clang++)" if "compiler" in str(error).lower() else ""
    need = need or (" On a GPU it needs Triton" if "triton" in str(error).lower() else "")
    return (
        f"TorchCompileModel could not compile this model with {backend!r}: {reason}.{need and need + '.'} Take the "
        "node out, or bypass it, to run the model as it is."
    )
