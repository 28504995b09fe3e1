"""``comfy_extras``: functions that packs borrow from ComfyUI's extra nodes; the node classes are the built-in ones."""
