import threading

from aiohttp import web
from server import PromptServer

WAITING = {}


@PromptServer.instance.routes.post("/picker/choose")
async def choose(request):
    answer = await request.json()
    event, chosen = WAITING[str(answer["node"])]
    chosen.append(int(answer["index"]))
    event.set()
    return web.json_response({"ok": True})


class PickOne:
    """Asks in the middle of a run which picture to go on with."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"images": ("IMAGE",)}, "hidden": {"unique_id": "UNIQUE_ID"}}

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "pick"
    CATEGORY = "image"

    def pick(self, images, unique_id):
        event, chosen = WAITING[unique_id] = threading.Event(), []
        PromptServer.instance.send_sync("picker.ask", {"node": unique_id, "count": len(images)})
        if not event.wait(60):
            raise TimeoutError("nobody chose a picture")
        return (images[chosen[0]][None],)


NODE_CLASS_MAPPINGS = {"PickOne": PickOne}
WEB_DIRECTORY = "js"
