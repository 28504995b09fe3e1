"""Names of the reference that are not here: they import and subclass, and say no to honest questions."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from comfy_notebook import compat

PRELUDE = """
from comfy_notebook import compat, session
compat.install()
compat.bind(session.current())
"""


def run(code: str, folder: Path) -> str:
    """What ``code`` prints, in a fresh interpreter (from a file: questions are judged by their source)."""
    file = folder / "asking.py"
    file.write_text(PRELUDE + textwrap.dedent(code))
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


IMPORTS = [
    "import comfy.ldm.modules.diffusionmodules.openaimodel",
    "import comfy.model_base, comfy.ops, comfy.quant_ops",
    "from comfy.ldm.anything.new import Thing, other_thing",
    "from comfy.ldm import wan; wan.model.WanModel",
    "from comfy import gligen; gligen.Gligen",
    "import comfy.gligen; comfy.model_base.BaseModel; comfy.ldm.flux.layers.attention",
    "from comfy_extras.nodes_custom_sampler import SamplerCustom",
    "from comfy_extras.chainner_models import model_loading",
    "from comfy.k_diffusion.utils import FolderOfImages",
    "from nodes import common_ksampler, VAEEncode, CheckpointLoaderSimple, MAX_RESOLUTION",
    "from latent_preview import LatentPreviewer, TAESDPreviewerImpl",
    "from comfy.cldm.cldm import ControlNet",
    "from comfy_api_nodes.apis import anything",
    "from app.user_manager import UserManager; UserManager()",
    "import server; server.web, server.uuid; server.PromptServer.instance.routes",
]


def test_deep_names_import(tmp_path: Path) -> None:
    assert run("\n".join(IMPORTS) + "\nimport sys\nprint('torch' in sys.modules)", tmp_path) == "False"


QUESTIONS = {
    "hasattr(comfy.sd, 'VAE')": True,
    "hasattr(comfy.sd, 'not_there')": False,
    "hasattr(comfy.model_management, 'soft_empty_cache')": True,
    "hasattr(comfy.model_management, 'not_there')": False,
    "hasattr(comfy.model_patcher.ModelPatcher, 'not_there')": False,
    "hasattr(nodes, 'KSampler')": True,
    "hasattr(nodes, 'SomebodysNode')": False,
    "hasattr(comfy.samplers, 'KSampler')": True,
    "getattr(comfy.utils, 'not_there', 7) == 7": True,
    "importlib.util.find_spec('comfy.ldm.flux.layers') is not None": True,
    "importlib.util.find_spec('comfy.not_there') is not None": False,
    "tried('import comfy.ldm.minimax_of_tomorrow')": False,
    "tried('import comfy.ldm.wan.model')": True,
    "tried('from comfy.ldm.modules.attention import optimized_attention')": True,
    "tried('from comfy.ops import something_of_tomorrow')": False,
}


def test_honest_questions_are_answered_honestly(tmp_path: Path) -> None:
    modules = "comfy.sd, comfy.ops, comfy.model_management, comfy.samplers, comfy.utils, nodes, importlib.util"
    lines = [f"import {modules}"]
    for question in QUESTIONS:
        if question.startswith("tried("):
            lines += ["try:", f"    {question[7:-2]}", "    print(True)", "except ImportError:", "    print(False)"]
        else:
            lines.append(f"print({question})")
    answers = [answer == "True" for answer in run("\n".join(lines), tmp_path).split()]
    assert dict(zip(QUESTIONS, answers, strict=True)) == QUESTIONS


def test_suppress_is_a_question_too(tmp_path: Path) -> None:
    code = """
        import contextlib
        found = False
        with contextlib.suppress(ImportError):
            from comfy.utils import something_of_tomorrow
            found = True
        print(found)
    """
    assert run(code, tmp_path) == "False"


def test_stand_ins_raise_only_when_called(tmp_path: Path) -> None:
    code = """
        import abc
        import comfy.sd, comfy.gligen, comfy.ops, comfy.samplers
        from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

        class Patched(comfy.gligen.Gligen):
            def extra(self): ...
        class Both(comfy.samplers.CFGGuider, abc.ABC):
            def __init__(self):
                self.ready = True
        def annotated(vae: comfy.sd.VAE | None, clip: "comfy.sd.CLIP") -> list[comfy.sd.VAE]: ...

        print(Both().ready, isinstance(3, comfy.sd.VAE), isinstance(Both(), comfy.samplers.CFGGuider))
        for call in (Patched, comfy.sd.save_checkpoint, UNetModel, lambda: comfy.ops.manual_cast.Linear(2, 3)):
            try:
                call()
            except compat.NotSupportedError as error:
                print(error)
    """
    assert run(code, tmp_path).splitlines() == [
        "True False True",
        *(
            f"The caller uses {name}, which comfy_notebook does not have"
            for name in (
                "comfy.gligen.Gligen",
                "comfy.sd.save_checkpoint",
                "comfy.ldm.modules.diffusionmodules.openaimodel.UNetModel",
                "comfy.ops.manual_cast.Linear",
            )
        ),
    ]


def test_importing_the_package_claims_no_names() -> None:
    code = "import comfy_notebook.session, sys; print({'nodes', 'comfy', 'folder_paths'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"


def test_a_module_of_the_users_stays(tmp_path: Path) -> None:
    (tmp_path / "nodes.py").write_text("MINE = True")
    code = """
        import sys, types
        print(sys.modules['nodes'].MINE, list(compat.taken()))
    """
    (tmp_path / "asking.py").write_text(
        "import nodes\nfrom comfy_notebook import compat\ncompat.install()\n" + textwrap.dedent(code)
    )
    done = subprocess.run(
        [sys.executable, str(tmp_path / "asking.py")], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "True ['nodes']"


def test_the_error_names_pack_node_and_feature(tmp_path: Path) -> None:
    from comfy_notebook import session as sessions
    from comfy_notebook.folders import Folders
    from comfy_notebook.session import Session

    source = """
import comfy.diffusers_load
class Deep:
    INPUT_TYPES = classmethod(lambda cls: {"required": {}})
    RETURN_TYPES = ()
    OUTPUT_NODE = True
    FUNCTION = "run"
    def run(self):
        comfy.diffusers_load.load_diffusers("x")
NODE_CLASS_MAPPINGS = {"DeepNode": Deep}
"""
    folder = tmp_path / "custom_nodes" / "deep_pack"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(source)
    session = sessions.use(Session(Folders(base=tmp_path)))
    try:
        assert session.pack_loader.load_all()[0].ok
        prompt_id = session.engine.submit({"7": {"class_type": "DeepNode", "inputs": {}}}).prompt_id
        entry = session.engine.wait(prompt_id, 30)
    finally:
        session.close()
    [error] = [data for kind, data in entry["status"]["messages"] if kind == "execution_error"]
    assert error["exception_message"].strip() == (
        "node 'DeepNode' (7) of the pack 'deep_pack' uses comfy.diffusers_load.load_diffusers, "
        "which comfy_notebook does not have"
    )


@pytest.mark.parametrize("name", ["comfy_api", "folder_paths", "comfy.utils", "comfy_execution.graph"])
def test_one_module_however_it_is_imported(name: str) -> None:
    compat.install()
    assert sys.modules[name] is sys.modules[f"comfy_notebook.compat.{name}"]
