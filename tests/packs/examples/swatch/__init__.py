import torch


class ColourSwatch:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"colour": ("SWATCH", {"default": "#ff8000"}), "size": ("INT", {"default": 64, "min": 1})}}

    RETURN_TYPES = ("IMAGE", "SWATCH")
    FUNCTION = "paint"
    CATEGORY = "image"

    def paint(self, colour, size):
        rgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        return torch.tensor(rgb).expand(1, size, size, 3).clone(), colour


NODE_CLASS_MAPPINGS = {"ColourSwatch": ColourSwatch}
NODE_DISPLAY_NAME_MAPPINGS = {"ColourSwatch": "Colour swatch"}
WEB_DIRECTORY = "web"
