"""The widget under the editor: a comm with a bridge behind it; only a height and a still picture are synced."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import traitlets

from ..engine.events import EventBus
from . import assets
from .bridge import Bridge, Endpoint
from .execution import is_headless

log = logging.getLogger(__name__)


class BridgedWidget(anywidget.AnyWidget):
    """Shows the editor bundle whose hash ``bundle`` says, and answers it from ``endpoint``'s application.

    Where nobody can see a widget (nbclient, papermill) no comm is opened, so nothing of it is stored in the notebook.
    """

    # ipywidgets 7 displays by this method and would leave out the picture.
    _ipython_display_ = None

    height = traitlets.Int(560, help="Height of the view in CSS pixels.").tag(sync=True)
    picture = traitlets.Unicode(help="SVG to show while no kernel answers.").tag(sync=True)

    def __init__(
        self, *, editor_id: str, endpoint: Endpoint, bus: EventBus, bundle: Callable[[], str], **kwargs: Any
    ) -> None:
        self._esm = assets.shell_source()
        self._bridge: Bridge | None = None
        super().__init__(**kwargs)
        if self.comm is not None:
            self._bridge = Bridge(editor_id, endpoint, bus, bundle, self._tell)
            self.on_msg(self._on_view_message)

    def open(self) -> None:
        """Open the comm, unless the notebook runs without a browser."""
        if not is_headless():
            super().open()

    def close(self) -> None:
        """End all views of this widget and free its comm; the second call does nothing."""
        bridge = getattr(self, "_bridge", None)
        if bridge is not None:
            bridge.close()
        super().close()

    def _tell(self, content: dict[str, Any], buffers: Sequence[bytes]) -> None:
        """Send one message; an answer that comes after the comm was closed is for nobody."""
        if self.comm is None:
            return
        try:
            self.send(content, list(buffers))
        except Exception:
            log.debug("a message of kind %r could not be sent", content.get("kind"), exc_info=True)

    def _on_view_message(self, _widget: Any, content: Any, buffers: Sequence[memoryview]) -> None:
        if self._bridge is not None:
            self._bridge.receive(content, buffers)
