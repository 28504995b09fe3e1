import threading

from aiohttp import web
from comfy.model_management import throw_exception_if_processing_interrupted
from nodes import PreviewImage
from server import PromptServer

WAITING = {}


@PromptServer.instance.routes.post("/picker/choose")
async def choose(request):
    answer = await request.json()
    event, chosen = WAITING[str(answer["node"])]
    chosen.append(int(answer["index"]))
    event.set()
    return web.json_response({"ok": True})


class PickOne(PreviewImage):
    """Asks in the middle of a run which picture to go on with."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"images": ("IMAGE",)},
            "hidden": {"unique_id": "UNIQUE_ID", "prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"},
        }

    RETURN_TYPES = ("IMAGE", "INT")
    RETURN_NAMES = ("picture", "index")
    FUNCTION = "pick"
    CATEGORY = "image"
    OUTPUT_NODE = False

    @classmethod
    def IS_CHANGED(cls, **inputs):
        return float("nan")

    def pick(self, images, unique_id, prompt=None, extra_pnginfo=None):
        event, chosen = WAITING[unique_id] = threading.Event(), []
        saved = self.save_images(images, "picker", prompt, extra_pnginfo)["ui"]["images"]
        try:
            PromptServer.instance.send_sync("picker.ask", {"node": unique_id, "images": saved})
            while not event.wait(0.05):
                throw_exception_if_processing_interrupted()
        finally:
            del WAITING[unique_id]
        return (images[chosen[0]][None], chosen[0])


NODE_CLASS_MAPPINGS = {"PickOne": PickOne}
NODE_DISPLAY_NAME_MAPPINGS = {"PickOne": "Pick one"}
WEB_DIRECTORY = "js"
