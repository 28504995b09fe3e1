"""``comfy.model_base``: kinds of models, and the ``model_sampling`` of each."""

from __future__ import annotations

import enum
from typing import Any


class ModelType(enum.Enum):
    """What a model predicts, along which noise levels."""

    EPS = 1
    V_PREDICTION = 2
    V_PREDICTION_EDM = 3
    STABLE_CASCADE = 4
    EDM = 5
    FLOW = 6
    V_PREDICTION_CONTINUOUS = 7
    FLUX = 8
    IMG_TO_IMG = 9
    FLOW_COSMOS = 10


def model_sampling(model_config: Any, model_type: ModelType) -> Any:
    """The ``model_sampling`` of a kind; ``model_config.sampling_settings`` holds its shift, sigmas or betas."""
    from ...diffusion.sampling.model_sampling import model_sampling as make

    return make(model_type.name, **(getattr(model_config, "sampling_settings", None) or {}))
