class InvertPicture:
    """White becomes black; strength 0 leaves the picture as it is."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "image": ("IMAGE",),
                "strength": ("FLOAT", {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.05, "display": "slider"}),
            }
        }

    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("inverted",)
    FUNCTION = "invert"
    CATEGORY = "image/colour"
    DESCRIPTION = "Turns every colour into its opposite."

    def invert(self, image, strength):
        return (image + ((1.0 - image) - image) * strength,)
