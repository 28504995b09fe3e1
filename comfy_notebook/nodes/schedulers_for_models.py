"""SIGMAS made for kinds of models: found by optimisation, or shifted by the size of the picture."""

from __future__ import annotations

from typing import Any

from . import inputs
from .schedulers import Scheduling, denoise_input, steps_input


class AlignYourStepsScheduler(Scheduling):
    DESCRIPTION = "The optimised levels of Align Your Steps (Sabour et al. 2024)."
    SEARCH_ALIASES = ["ays", "align your steps", "few steps", "optimised"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        kinds = ["SD1", "SDXL", "SVD"]
        return {
            "required": {
                "model_type": inputs.combo(kinds, "What kind of model it is."),
                "steps": steps_input(10),
                "denoise": denoise_input(),
            }
        }

    def get_sigmas(self, model_type: str, steps: int, denoise: float) -> tuple[Any]:
        from ..diffusion.sampling import optimised

        return (optimised.sigmas(optimised.ALIGN_YOUR_STEPS[model_type], steps, denoise),)


class OptimalStepsScheduler(Scheduling):
    DESCRIPTION = "The optimised levels of OptimalSteps (Pei et al. 2025)."
    SEARCH_ALIASES = ["oss", "optimal steps", "few steps", "optimised"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        kinds = ["FLUX", "Wan", "Chroma"]
        return {
            "required": {
                "model_type": inputs.combo(kinds, "What kind of model it is."),
                "steps": steps_input(20, 3, 1000),
                "denoise": denoise_input(),
            }
        }

    def get_sigmas(self, model_type: str, steps: int, denoise: float) -> tuple[Any]:
        from ..diffusion.sampling import optimised

        return (optimised.sigmas(optimised.OPTIMAL_STEPS[model_type], steps, denoise),)


class GITSScheduler(Scheduling):
    DESCRIPTION = "Levels found along the sampling trajectories of Stable Diffusion 1.5 (GITS, Chen et al. 2024)."
    SEARCH_ALIASES = ["gits", "few steps", "optimised", "noise levels"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "coeff": inputs.number(1.20, 0.80, 1.50, 0.05, "How much the small levels count."),
                "steps": steps_input(10, 2, 1000),
                "denoise": denoise_input(),
            }
        }

    def get_sigmas(self, coeff: float, steps: int, denoise: float) -> tuple[Any]:
        from ..diffusion.sampling import optimised

        return (optimised.sigmas(optimised.gits(coeff, steps), steps, denoise),)


class LTXVScheduler(Scheduling):
    DESCRIPTION = "Levels shifted by the number of latent pixels, as LTX-Video takes them."
    SEARCH_ALIASES = ["ltx video", "shift", "noise levels"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "steps": steps_input(),
                "max_shift": inputs.number(2.05, 0.0, 100.0, 0.01, "Shift at 4096 latent pixels."),
                "base_shift": inputs.number(0.95, 0.0, 100.0, 0.01, "Shift at 1024 latent pixels."),
                "stretch": inputs.boolean(True, "Stretch the levels so that the last one is 'terminal'."),
                "terminal": inputs.number(0.1, 0.0, 0.99, 0.01, "The last level before 0."),
            },
            "optional": {"latent": inputs.socket("LATENT", "Its pixels are counted; 4096 without one.")},
        }

    def get_sigmas(
        self,
        steps: int,
        max_shift: float,
        base_shift: float,
        stretch: bool,
        terminal: float,
        latent: dict[str, Any] | None = None,
    ) -> tuple[Any]:
        from ..diffusion.sampling import flow_schedules

        tokens = flow_schedules.count_tokens(latent)
        shift = flow_schedules.shift_for(tokens, base_shift, max_shift, 1024, 4096)
        return (flow_schedules.shifted(steps, shift, terminal if stretch else None),)


class Flux2Scheduler(Scheduling):
    DESCRIPTION = "Levels for Flux.2, shifted by the size of the picture and the number of steps."
    SEARCH_ALIASES = ["flux2", "shift", "noise levels"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "steps": steps_input(20, 1, 4096),
                "width": inputs.pixels(1024, 16, 1, "Width of the picture in pixels."),
                "height": inputs.pixels(1024, 16, 1, "Height of the picture in pixels."),
            }
        }

    def get_sigmas(self, steps: int, width: int, height: int) -> tuple[Any]:
        from ..diffusion.sampling import flow_schedules

        return (flow_schedules.flux2(steps, round(width * height / 256)),)


NODES: dict[str, tuple[type, str]] = {
    "AlignYourStepsScheduler": (AlignYourStepsScheduler, "AlignYourStepsScheduler"),
    "OptimalStepsScheduler": (OptimalStepsScheduler, "OptimalStepsScheduler"),
    "GITSScheduler": (GITSScheduler, "GITSScheduler"),
    "LTXVScheduler": (LTXVScheduler, "LTXVScheduler"),
    "Flux2Scheduler": (Flux2Scheduler, "Flux2Scheduler"),
}
