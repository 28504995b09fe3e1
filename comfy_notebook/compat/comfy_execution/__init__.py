"""``comfy_execution``: graphs as nodes build and ask for them."""
