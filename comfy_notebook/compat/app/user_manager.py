"""``app.user_manager``: where files of the user lie."""

from __future__ import annotations

import os
from typing import Any

from ... import folders


class UserManager:
    """There is one user, called ``default``."""

    def __init__(self) -> None:
        self.users: dict[str, str] = {"default": "default"}

    def get_request_user_id(self, request: Any) -> str:
        return "default"

    def get_request_user_filepath(
        self, request: Any, file: str | None, type: str = "userdata", create_dir: bool = True
    ) -> str | None:
        """The path of ``file`` in the user's folder (the folder itself when None); None when it would lie outside."""
        root = folders.current().user / "default"
        try:
            path = folders.inside(root, file) if file else root
        except ValueError:
            return None
        if create_dir:
            os.makedirs(path.parent if file else path, exist_ok=True)
        return str(path)
