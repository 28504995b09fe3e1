import torch
from aiohttp import web
from server import PromptServer

NAMES = {"#ff8000": "orange", "#0080ff": "azure", "#20a040": "green", "#ffffff": "white"}


@PromptServer.instance.routes.get("/swatch/names")
async def names(request):
    return web.json_response(NAMES)


class ColourSwatch:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"colour": ("SWATCH", {"default": "#ff8000"}), "size": ("INT", {"default": 64, "min": 1})}}

    RETURN_TYPES = ("IMAGE", "SWATCH")
    FUNCTION = "paint"
    CATEGORY = "image/colour"

    def paint(self, colour, size):
        rgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        image = torch.tensor(rgb).expand(1, size, size, 3).clone()
        return {"ui": {"colour": [NAMES.get(colour, colour)]}, "result": (image, colour)}


NODE_CLASS_MAPPINGS = {"ColourSwatch": ColourSwatch}
NODE_DISPLAY_NAME_MAPPINGS = {"ColourSwatch": "Colour swatch"}
WEB_DIRECTORY = "web"
