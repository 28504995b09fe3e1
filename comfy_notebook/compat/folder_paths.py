"""``folder_paths``: where files and models lie, as packs ask for it. Its attributes are plain and may be assigned."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .. import folders as _folders
from .. import model_folders as _model_folders
from .. import session as _session

#: Whose folders these are.
bound_to: _session.Session | None = None
supported_pt_extensions: set[str] = {".ckpt", ".pt", ".pt2", ".bin", ".pth", ".safetensors", ".pkl", ".sft"}

base_path = ""
models_dir = ""
input_directory = ""
output_directory = ""
temp_directory = ""
user_directory = ""
#: kind → (folders, suffixes); packs change it in place.
folder_names_and_paths: dict[str, tuple[list[str], set[str]]] = {}
filename_list_cache: dict[str, Any] = {}
extension_mimetypes_cache: dict[str, str] = {"webp": "image", "fbx": "model"}


def bind(session: _session.Session) -> None:
    """Take the folders of ``session``."""
    global base_path, models_dir, input_directory, output_directory, temp_directory, user_directory, __file__, bound_to
    bound_to = session
    base_path, models_dir = str(session.folders.base), str(session.folders.models)
    input_directory, output_directory = str(session.folders.input), str(session.folders.output)
    temp_directory, user_directory = str(session.folders.temp), str(session.folders.user)
    __file__ = os.path.join(base_path, "folder_paths.py")  # packs take its folder for the place they may write to
    folder_names_and_paths.clear()
    for kind in _model_folders.KINDS:
        suffixes = {"configs": {".yaml"}, "diffusers": {"folder"}, "classifiers": {""}}.get(kind)
        paths = [str(path) for path in session.models.roots(kind)]
        folder_names_and_paths[kind] = (paths, supported_pt_extensions if suffixes is None else suffixes)
    folder_names_and_paths["custom_nodes"] = ([os.path.join(base_path, "custom_nodes")], set())
    session.models.share(folder_names_and_paths)


def map_legacy(folder_name: str) -> str:
    """The present name of a kind of models."""
    return _model_folders.RENAMED.get(folder_name, folder_name)


def get_input_directory() -> str:
    return input_directory


def get_output_directory() -> str:
    return output_directory


def get_temp_directory() -> str:
    return temp_directory


def get_user_directory() -> str:
    return user_directory


def set_input_directory(input_dir: str) -> None:
    global input_directory
    input_directory = input_dir
    _folders.current().input = Path(input_dir)


def set_output_directory(output_dir: str) -> None:
    global output_directory
    output_directory = output_dir
    _folders.current().output = Path(output_dir)


def set_temp_directory(temp_dir: str) -> None:
    global temp_directory
    temp_directory = temp_dir
    _folders.current().temp = Path(temp_dir)


def set_user_directory(user_dir: str) -> None:
    global user_directory
    user_directory = user_dir
    _folders.current().user = Path(user_dir)


def get_directory_by_type(type_name: str) -> str | None:
    """The folder called ``input``, ``output`` or ``temp``; None for another word."""
    return {"input": input_directory, "output": output_directory, "temp": temp_directory}.get(type_name)


get_directory = get_directory_by_type


def annotated_filepath(name: str) -> tuple[str, str | None]:
    """``"x.png [output]"`` → ``("x.png", folder)``; the folder is None without such an ending."""
    for kind in ("output", "input", "temp"):
        if name.endswith(f"[{kind}]"):
            return name[: -len(kind) - 2].rstrip(), get_directory_by_type(kind)
    return name, None


def get_annotated_filepath(name: str, default_dir: str | None = None) -> str:
    """The path of a file named as nodes name it; in ``default_dir``, else the input folder, where it says nothing."""
    bare, folder = annotated_filepath(name)
    return os.path.join(folder or default_dir or input_directory, bare)


def exists_annotated_filepath(name: str) -> bool:
    bare, folder = annotated_filepath(name)
    return os.path.exists(os.path.join(folder or input_directory, bare))


def add_model_folder_path(folder_name: str, full_folder_path: str, is_default: bool = False) -> None:
    """Search one folder more for models of a kind, before the others where ``is_default``."""
    paths, _ = folder_names_and_paths.setdefault(map_legacy(folder_name), ([], set()))
    if full_folder_path in paths:
        if not is_default or paths[0] == full_folder_path:
            return
        paths.remove(full_folder_path)
    paths.insert(0 if is_default else len(paths), full_folder_path)


def get_folder_paths(folder_name: str) -> list[str]:
    """A copy of the folders of a kind; raises ``KeyError`` for a kind there is not."""
    return list(folder_names_and_paths[map_legacy(folder_name)][0])


def recursive_search(directory: str, excluded_dir_names: list[str] | None = None) -> tuple[list[str], dict[str, float]]:
    """Every file below ``directory`` relative to it, and the times of its folders."""
    if not os.path.isdir(directory):
        return [], {}
    files, times = [], {}
    for path, names, found in os.walk(directory, followlinks=True):
        names[:] = [name for name in names if name not in (excluded_dir_names or ())]
        times[path] = os.path.getmtime(path)
        files += [os.path.relpath(os.path.join(path, name), directory) for name in found]
    return files, times


def filter_files_extensions(files: Iterable[str], extensions: Iterable[str]) -> list[str]:
    """The files with one of the suffixes, sorted; all of them where there are no suffixes."""
    wanted = set(extensions)
    return sorted(name for name in files if not wanted or os.path.splitext(name)[1].lower() in wanted)


def filter_files_content_types(files: Iterable[str], content_types: Iterable[str]) -> list[str]:
    """The files that are ``image``, ``video``, ``audio`` or ``model`` by their suffix."""
    import mimetypes

    wanted, kept = set(content_types), []
    for name in files:
        suffix = name.rpartition(".")[2].lower()
        kind = extension_mimetypes_cache.get(suffix) or (mimetypes.guess_type(name)[0] or "").partition("/")[0]
        if kind in wanted:
            kept.append(name)
    return kept


def get_filename_list(folder_name: str) -> list[str]:
    """Names of the models of a kind relative to their folders, sorted; raises ``KeyError`` for a kind there is not."""
    paths, extensions = folder_names_and_paths[map_legacy(folder_name)]
    found: set[str] = set()
    for path in paths:
        found.update(filter_files_extensions(recursive_search(path, [".git"])[0], extensions))
    return sorted(found)


def get_full_path(folder_name: str, filename: str) -> str | None:
    """The first existing file of this name in the folders of a kind; None without one, or if the name leads out."""
    entry = folder_names_and_paths.get(map_legacy(folder_name))
    for folder in entry[0] if entry else ():
        try:
            path = _folders.inside(Path(folder), filename.lstrip("/\\"))
        except (ValueError, OSError):
            continue
        if path.is_file():
            return os.path.join(folder, os.path.relpath(filename.lstrip("/\\")))
    return None


def get_full_path_or_raise(folder_name: str, filename: str) -> str:
    path = get_full_path(folder_name, filename)
    if path is None:
        raise FileNotFoundError(f"there is no {folder_name} file {filename!r} in {get_folder_paths(folder_name)}")
    return path


def get_save_image_path(
    filename_prefix: str, output_dir: str, image_width: int = 0, image_height: int = 0
) -> tuple[str, str, int, str, str]:
    """``(folder, name, number, subfolder, prefix)`` of the next numbered files; makes the folder."""
    found = _folders.save_path(Path(output_dir), filename_prefix, image_width, image_height)
    return str(found.folder), found.name, found.counter, found.subfolder, found.prefix


def get_input_subfolders() -> list[str]:
    """Folders below the input folder, relative to it, sorted."""
    return sorted(
        os.path.relpath(os.path.join(path, name), input_directory).replace(os.sep, "/")
        for path, names, _ in os.walk(input_directory)
        for name in names
    )


def is_within_directory(directory: str, target: str) -> bool:
    """Whether ``target`` lies in ``directory``."""
    root = os.path.realpath(directory)
    return os.path.commonpath([root, os.path.realpath(target)]) == root


bind(_session.current())
