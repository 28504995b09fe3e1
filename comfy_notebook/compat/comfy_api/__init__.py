"""``comfy_api``: the versioned interface for V3 nodes. ``latest`` holds it, the numbered versions point there."""
