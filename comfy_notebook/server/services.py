"""What the routes stand on: the parts of a session, handed to the application when it is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from ..engine.events import EventBus
from ..folders import Folders
from ..model_folders import ModelFolders
from ..packs.files import Packs
from ..protocol.registry import Registry
from .executing import Executing

if TYPE_CHECKING:
    from ..engine import Engine
    from .editors import EditorStore
    from .logs import LogBuffer


@dataclass(frozen=True)
class Services:
    """The parts a route may use. ``max_upload_size`` is in bytes."""

    folders: Folders
    registry: Registry
    bus: EventBus
    engine: Engine
    editors: EditorStore
    executing: Executing
    models: ModelFolders
    packs: Packs
    logs: LogBuffer
    max_upload_size: int = 100 * 1024 * 1024


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)


def services(request: web.Request) -> Services:
    """The parts behind the application that serves ``request``."""
    return request.config_dict[SERVICES]
