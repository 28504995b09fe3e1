"""The one aiohttp application: ComfyUI's routes, the editor's routes, and the thread that serves them."""
