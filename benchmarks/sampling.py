"""Seconds for each step of sampling: our KSampler through the engine, the same with TorchCompileModel, a bare loop
around diffusers' network, and the floor that matrix products set; peak memory, and what a new seed runs again.

Run: ``python -m benchmarks.sampling``. With a GPU: networks of random weights in the sizes of Stable Diffusion 1.5 and
XL at 512 and 1024 pixels in half precision. Without one: the tiny model that comes with the package; ``--large`` adds a
network as large as Stable Diffusion 1.5 at few pixels. ``--tiny`` takes networks of few weights through the table for
GPUs on whatever there is. ``--cpu`` counts processor time, which says more on a busy machine. Ours and the bare loop
take turns, and the better of ``--rounds`` counts.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from . import networks
from .networks import Setting, Subject
from .table import print_table

Prompt = dict[str, dict[str, Any]]
CFG = 5.0
HEAD = ["network", "ours s/step", "bare loop", "ratio", "compiled", "faster", "first", "floor", "overhead", "peak MB"]
EMOJI = Path(__file__).parents[1] / "comfy_notebook" / "models" / "checkpoints" / "emoji.safetensors"


class BenchmarkModel:
    """Hands a network and its conditionings to a graph."""

    RETURN_TYPES = ("MODEL", "CONDITIONING", "CONDITIONING", "LATENT")
    FUNCTION = "give"
    given: ClassVar[Subject | None] = None

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"name": ("STRING", {})}}

    def give(self, name: str) -> tuple[Any, ...]:
        one = type(self).given
        assert one is not None
        conditionings = [[[text, dict(one.more)]] for text in one.texts]
        return one.model, *conditionings, {"samples": one.latent}


class BenchmarkEnd:
    """Keeps what a graph made, so that nothing is left out."""

    RETURN_TYPES = ()
    FUNCTION = "keep"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("*", {})}}

    def keep(self, value: Any) -> dict[str, Any]:
        return {}


@contextmanager
def engine_in(folder: Path) -> Iterator[Any]:
    """An engine with all nodes, whose models lie in ``folder``."""
    from comfy_notebook import folders, nodes
    from comfy_notebook.engine import Engine, EventBus
    from comfy_notebook.protocol.registry import Registry
    from comfy_notebook.protocol.v1 import definition_from_class

    registry, before, own = Registry(), folders.current(), folders.Folders(base=folder)
    nodes.register_all(registry)
    for cls in (BenchmarkModel, BenchmarkEnd):
        registry.register(definition_from_class(cls.__name__, cls))
    folders.use(own)
    engine = Engine(registry, EventBus(), own)
    try:
        yield engine
    finally:
        engine.shutdown()
        folders.use(before)


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def ksampler(seed: int, steps: int, **links: Any) -> dict[str, Any]:
    settings = {"seed": seed, "steps": steps, "cfg": CFG, "sampler_name": "euler", "scheduler": "normal"}
    return node("KSampler", **settings, denoise=1.0, **links)


def sampling_prompt(name: str, seed: int, steps: int, compiled: bool) -> Prompt:
    links = {"positive": ["m", 1], "negative": ["m", 2], "latent_image": ["m", 3]}
    made = {
        "m": node("BenchmarkModel", name=name),
        "k": ksampler(seed, steps, model=["c" if compiled else "m", 0], **links),
        "end": node("BenchmarkEnd", value=["k", 0]),
    }
    if compiled:
        made["c"] = node("TorchCompileModel", model=["m", 0], backend="inductor")
    return made


def run(engine: Any, prompt: Prompt) -> set[str]:
    """The nodes that a prompt had to execute."""
    submission = engine.submit(prompt)
    status = engine.wait(submission.prompt_id, 3600)["status"]
    assert status["status_str"] == "success", status["messages"][-1]
    cached = [set(data["nodes"]) for kind, data in status["messages"] if kind == "execution_cached"]
    return set(prompt).difference(*cached)


class Measured:
    """Seconds per step of one network, each the best of some rounds."""

    def __init__(self, one: Subject, setting: Setting, engine: Any, steps: int) -> None:
        self.one, self.setting, self.engine, self.steps = one, setting, engine, steps
        self._seed = 0
        BenchmarkModel.given = one

    def seconds(self, action: Callable[[], Any]) -> float:
        """Of one step of ``action``."""
        started = self.setting.now()
        action()
        return (self.setting.now() - started) / self.steps

    def ours(self, compiled: bool = False) -> None:
        self._seed += 1
        run(self.engine, sampling_prompt(self.one.name, self._seed, self.steps, compiled))

    def bare(self) -> None:
        from comfy_notebook.diffusion.sampling.schedules import calculate_sigmas

        sigmas = calculate_sigmas(self.one.model.model.model_sampling, "normal", self.steps)
        networks.bare_loop(self.one, sigmas.cpu(), CFG, self.setting)

    def taking_turns(self, rounds: int) -> tuple[float, float]:
        """Ours and the bare loop, after a run of each that does not count."""
        self.ours()
        self.bare()
        found = [(self.seconds(self.ours), self.seconds(self.bare)) for _ in range(rounds)]
        return min(pair[0] for pair in found), min(pair[1] for pair in found)

    def outside_the_network(self) -> float:
        """The share of the steps of a run of ours, from the first call of the network to the end of the last, that is
        spent elsewhere than in its calls."""
        network = self.one.model.model.diffusion_model
        begun: list[float] = []
        ended: list[float] = []
        hooks = [
            network.register_forward_pre_hook(lambda *_: begun.append(self.setting.now())),
            network.register_forward_hook(lambda *_: ended.append(self.setting.now())),
        ]
        self.ours()
        for hook in hooks:
            hook.remove()
        whole = ended[-1] - begun[0]
        return (whole - (sum(ended) - sum(begun))) / whole


def peak_megabytes(setting: Setting) -> float:
    """Of the device since it was last reset; of this process since it began where that is the CPU."""
    if setting.device.type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated(setting.device) / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def row(one: Subject, setting: Setting, engine: Any, options: argparse.Namespace, throughput: float) -> list[str]:
    """One line of the table."""
    import torch

    if setting.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(setting.device)
    measured = Measured(one, setting, engine, options.steps)
    ours, bare = measured.taking_turns(options.rounds)
    outside = measured.outside_the_network()
    floor = networks.operations(one, setting) / throughput
    cells = [one.name, f"{ours:.4f}", f"{bare:.4f}", f"{ours / bare:.3f}"]
    peak = peak_megabytes(setting)
    if options.no_compile or (problem := why_not_compiled(setting)):
        cells += ["-" if options.no_compile else str(problem), "", ""]
    else:
        first = measured.seconds(lambda: measured.ours(compiled=True)) * options.steps
        compiled = min(measured.seconds(lambda: measured.ours(compiled=True)) for _ in range(options.rounds))
        cells += [f"{compiled:.4f}", f"{ours / compiled:.2f}", f"{first:.0f} s"]
    return [*cells, f"{floor:.4f}", f"{outside:.2%}", f"{peak:.0f}"]


def why_not_compiled(setting: Setting) -> str:
    """What is missing for TorchCompileModel; nothing where it can run."""
    if setting.device.type == "cuda":
        return "" if importlib.util.find_spec("triton") else "no triton"
    return "" if any(map(shutil.which, ("g++", "clang++", "cl"))) else "no C++ compiler"


def random_networks(setting: Setting, engine: Any, options: argparse.Namespace) -> None:
    """The table for GPUs."""
    throughput = networks.peak_throughput(setting, 256 if options.tiny else 8192)
    sizes = [("SD1.5", networks.SD15, 512), ("SD1.5", networks.SD15, 1024)]
    sizes += [("SDXL", networks.SDXL, 512), ("SDXL", networks.SDXL, 1024)]
    if options.tiny:
        sizes = [(name, networks.TINY[name], side // 8) for name, _, side in sizes]
    rows = []
    for name, config, side in sizes:
        if not f"{name}, {side} px".startswith(options.only):
            continue
        one = networks.subject(name, config, side, setting)
        rows.append(row(one, setting, engine, options, throughput))
        forget(engine, one)
    show(f"Sampling, random weights, {options.steps} Euler steps with guidance", rows, setting, throughput)


def large_on_cpu(setting: Setting, engine: Any, options: argparse.Namespace) -> None:
    """Stable Diffusion 1.5 at few pixels: enough to see what a step costs outside the network."""
    throughput = networks.peak_throughput(setting, 1024)
    one = networks.subject("SD1.5", networks.SD15, 64, setting)
    show("Sampling on the CPU, random weights", [row(one, setting, engine, options, throughput)], setting, throughput)
    forget(engine, one)


def tiny_model(setting: Setting, engine: Any, options: argparse.Namespace, folder: Path) -> None:
    """The model in the box: a table, seconds for a picture, and what a new seed runs."""
    from comfy_notebook.diffusion.checkpoints.load import load_checkpoint

    path = emoji_file(folder)
    parts = load_checkpoint(path)
    assert parts.model is not None
    assert parts.clip is not None
    texts = [parts.clip.encode(text) for text in ("red heart", "")]
    import torch

    unet = parts.model.model.diffusion_model.module
    latent = torch.zeros(1, unet.config.in_channels, 16, 16)
    one = Subject("tiny model, 64 px", unet, parts.model, latent, (texts[0], texts[1]), predicts="data")
    throughput = networks.peak_throughput(setting, 1024)
    show("Sampling with the tiny model", [row(one, setting, engine, options, throughput)], setting, throughput)
    forget(engine, one)
    seconds, again = picture(engine, path.name, options.steps, setting)
    print_table(
        "A picture of the tiny model, from its prompt",
        ["figure", "measured", "goal"],
        [
            [f"64 px, {options.steps} steps", f"{seconds:.2f} s", "<= 5 s on two cores"],
            ["nodes that a new seed runs", ", ".join(sorted(again)), "no text encoding, no loading"],
            ["text encodings that a new seed runs", str(sum(name == "CLIPTextEncode" for name in again)), "0"],
        ],
    )


def emoji_file(folder: Path) -> Path:
    """The tiny model, or one of its shape that was not trained."""
    if EMOJI.exists():
        return EMOJI
    sys.path.insert(0, str(EMOJI.parents[3] / "training"))
    from emoji_network import TextToPatches, Tokens, save_checkpoint  # type: ignore[import-not-found, unused-ignore]

    path = folder / "models" / "checkpoints" / EMOJI.name
    path.parent.mkdir(parents=True)
    tokens = Tokens(["red heart"])
    save_checkpoint(TextToPatches(len(tokens)), tokens, path)
    return path


def picture(engine: Any, checkpoint: str, steps: int, setting: Setting) -> tuple[float, list[str]]:
    """Seconds for a picture once everything is loaded, and the types of the nodes that a further seed runs."""

    def prompt(seed: int) -> Prompt:
        links = {"model": ["ck", 0], "positive": ["p", 0], "negative": ["n", 0], "latent_image": ["l", 0]}
        return {
            "ck": node("CheckpointLoaderSimple", ckpt_name=checkpoint),
            "p": node("CLIPTextEncode", text="red heart", clip=["ck", 1]),
            "n": node("CLIPTextEncode", text="", clip=["ck", 1]),
            "l": node("EmptyLatentImage", width=64, height=64, batch_size=1),
            "k": ksampler(seed, steps, **links),
            "d": node("VAEDecode", samples=["k", 0], vae=["ck", 2]),
            "end": node("BenchmarkEnd", value=["d", 0]),
        }

    run(engine, prompt(1))
    started = setting.now()
    run(engine, prompt(2))
    seconds = setting.now() - started
    return seconds, [prompt(3)[name]["class_type"] for name in run(engine, prompt(3))]


def forget(engine: Any, one: Subject) -> None:
    """Give the memory of a network back before the next one."""
    import torch

    from comfy_notebook.diffusion import memory

    BenchmarkModel.given = one.model = one.unet = None
    engine.free()
    gc.collect()
    memory.unload_all_models()
    torch.compiler.reset()  # the next network's size is no further one of this


def show(title: str, rows: list[list[str]], setting: Setting, throughput: float) -> None:
    clock = "processor time" if setting.clock is time.process_time else "wall time"
    kind = f"{setting.device}, {str(setting.dtype).removeprefix('torch.')}"
    print_table(f"{title} ({kind}, {throughput / 1e12:.2f} Tflop/s of matrix products, {clock})", HEAD, rows)
    print("goals: ratio <= 1.02, faster >= 1.3 on a GPU, overhead (what the steps spend outside the network) <= 1 %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large", action="store_true", help="on a CPU also a network as large as Stable Diffusion 1.5")
    parser.add_argument("--tiny", action="store_true", help="the table for GPUs with networks of few weights, anywhere")
    parser.add_argument("--dtype", choices=("float16", "bfloat16", "float32"), help="on a GPU; default: float16")
    parser.add_argument("--channels-last", action="store_true", help="weights of convolutions in that order, for both")
    parser.add_argument("--only", default="", help="networks of the table for GPUs whose name begins so: 'SDXL, 1024'")
    parser.add_argument("--no-compile", action="store_true", help="leave TorchCompileModel out")
    parser.add_argument("--cpu", action="store_true", help="processor time instead of wall time")
    options = parser.parse_known_args()[0]
    if importlib.util.find_spec("diffusers") is None:
        print("\nSampling: left out, the extra 'diffusion' is not installed")
        return
    import torch

    from comfy_notebook.diffusion import memory

    device = memory.get_torch_device()
    dtype = getattr(torch, options.dtype or ("float32" if device.type == "cpu" else "float16"))
    clock = time.process_time if options.cpu else time.perf_counter
    setting = Setting(device, dtype, options.channels_last, clock)
    with tempfile.TemporaryDirectory() as folder, engine_in(Path(folder)) as engine:
        if device.type != "cpu" or options.tiny:
            random_networks(setting, engine, options)
        if options.large:
            large_on_cpu(setting, engine, options)
        if not options.tiny:
            tiny_model(Setting(device, torch.float32, clock=clock), engine, options, Path(folder))


if __name__ == "__main__":
    main()
