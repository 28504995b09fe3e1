from .nodes import InvertPicture

NODE_CLASS_MAPPINGS = {"InvertPicture": InvertPicture}
NODE_DISPLAY_NAME_MAPPINGS = {"InvertPicture": "Invert picture"}
