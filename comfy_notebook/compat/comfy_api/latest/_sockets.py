"""Socket types beside numbers, texts and choices."""

from __future__ import annotations

from typing import Any

from ._types import ComfyTypeIO, Input, WidgetInput, comfytype


def _socket(name: str, io_type: str) -> Any:
    cls = type(name, (ComfyTypeIO,), {"__module__": __name__, "__doc__": f"Sockets of type ``{io_type}``."})
    return comfytype(io_type)(cls)


class _EditedIO(ComfyTypeIO):
    class Input(WidgetInput):
        pass


def _edited_socket(name: str, io_type: str) -> Any:
    """A type that the client may edit on the node."""
    cls = type(name, (_EditedIO,), {"__module__": __name__, "__doc__": f"Sockets of type ``{io_type}``."})
    return comfytype(io_type)(cls)


Image = _socket("Image", "IMAGE")
Mask = _socket("Mask", "MASK")
Latent = _socket("Latent", "LATENT")
Conditioning = _socket("Conditioning", "CONDITIONING")
Sampler = _socket("Sampler", "SAMPLER")
Sigmas = _socket("Sigmas", "SIGMAS")
Noise = _socket("Noise", "NOISE")
Guider = _socket("Guider", "GUIDER")
Clip = _socket("Clip", "CLIP")
ControlNet = _socket("ControlNet", "CONTROL_NET")
Vae = _socket("Vae", "VAE")
Model = _socket("Model", "MODEL")
ModelPatch = _socket("ModelPatch", "MODEL_PATCH")
ClipVision = _socket("ClipVision", "CLIP_VISION")
ClipVisionOutput = _socket("ClipVisionOutput", "CLIP_VISION_OUTPUT")
AudioEncoder = _socket("AudioEncoder", "AUDIO_ENCODER")
AudioEncoderOutput = _socket("AudioEncoderOutput", "AUDIO_ENCODER_OUTPUT")
StyleModel = _socket("StyleModel", "STYLE_MODEL")
Gligen = _socket("Gligen", "GLIGEN")
UpscaleModel = _socket("UpscaleModel", "UPSCALE_MODEL")
LatentUpscaleModel = _socket("LatentUpscaleModel", "LATENT_UPSCALE_MODEL")
Audio = _socket("Audio", "AUDIO")
Video = _socket("Video", "VIDEO")
VideoEdit = _edited_socket("VideoEdit", "VIDEO_EDIT")
SVG = _socket("SVG", "SVG")
LoraModel = _socket("LoraModel", "LORA_MODEL")
LossMap = _socket("LossMap", "LOSS_MAP")
Voxel = _socket("Voxel", "VOXEL")
Mesh = _socket("Mesh", "MESH")
File3DAny = _socket("File3DAny", "FILE_3D")
File3DGLB = _socket("File3DGLB", "FILE_3D_GLB")
File3DGLTF = _socket("File3DGLTF", "FILE_3D_GLTF")
File3DFBX = _socket("File3DFBX", "FILE_3D_FBX")
File3DOBJ = _socket("File3DOBJ", "FILE_3D_OBJ")
File3DSTL = _socket("File3DSTL", "FILE_3D_STL")
File3DUSDZ = _socket("File3DUSDZ", "FILE_3D_USDZ")
Hooks = _socket("Hooks", "HOOKS")
HookKeyframes = _socket("HookKeyframes", "HOOK_KEYFRAMES")
TimestepsRange = _socket("TimestepsRange", "TIMESTEPS_RANGE")
LatentOperation = _socket("LatentOperation", "LATENT_OPERATION")
FlowControl = _socket("FlowControl", "FLOW_CONTROL")
Accumulation = _socket("Accumulation", "ACCUMULATION")
Load3DCamera = _socket("Load3DCamera", "LOAD3D_CAMERA")
Load3D = _edited_socket("Load3D", "LOAD_3D")
Load3DAnimation = _edited_socket("Load3DAnimation", "LOAD_3D_ANIMATION")
Photomaker = _socket("Photomaker", "PHOTOMAKER")
Point = _socket("Point", "POINT")
FaceAnalysis = _socket("FaceAnalysis", "FACE_ANALYSIS")
BBOX = _socket("BBOX", "BBOX")
SEGS = _socket("SEGS", "SEGS")
WanCameraEmbedding = _socket("WanCameraEmbedding", "WAN_CAMERA_EMBEDDING")
Tracks = _socket("Tracks", "TRACKS")
Dict = _socket("Dict", "DICT")
Array = _socket("Array", "ARRAY")
ImageCompare = _edited_socket("ImageCompare", "IMAGECOMPARE")
Colors = _edited_socket("Colors", "COLORS")
BoundingBox = _edited_socket("BoundingBox", "BOUNDING_BOX")
BoundingBoxes = _edited_socket("BoundingBoxes", "BOUNDING_BOXES")
Curve = _edited_socket("Curve", "CURVE")
Range = _edited_socket("Range", "RANGE")
Histogram = _edited_socket("Histogram", "HISTOGRAM")
ResolutionPreview = _edited_socket("ResolutionPreview", "RESOLUTION_PREVIEW")
AnyType = _socket("AnyType", "*")


@comfytype("*")
class MultiType:
    """One input that takes several types; made from an input with a widget it keeps that widget."""

    Type = Any

    class Input(Input):
        def __init__(
            self,
            id: str | Input,
            types: list[Any],
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            **more: Any,
        ) -> None:
            self.widget = id if isinstance(id, Input) else None
            if isinstance(id, Input):
                super().__init__(
                    id.id, display_name or id.display_name, optional or id.optional, tooltip or id.tooltip, **more
                )
                types = [type(id), *types]
            else:
                super().__init__(id, display_name, optional, tooltip, **more)
            self.types = types

        @property
        def io_types(self) -> list[str]:
            return list(dict.fromkeys(str(kind.io_type) for kind in self.types))

        def get_io_type(self) -> str:
            return ",".join(self.io_types)

        def as_dict(self) -> dict[str, Any]:
            if self.widget is None:
                return super().as_dict()
            return {"widgetType": self.widget.get_io_type(), **self.widget.as_dict(), **super().as_dict()}


__all__ = [
    "BBOX",
    "SEGS",
    "SVG",
    "Accumulation",
    "AnyType",
    "Array",
    "Audio",
    "AudioEncoder",
    "AudioEncoderOutput",
    "BoundingBox",
    "BoundingBoxes",
    "Clip",
    "ClipVision",
    "ClipVisionOutput",
    "Colors",
    "Conditioning",
    "ControlNet",
    "Curve",
    "Dict",
    "FaceAnalysis",
    "File3DAny",
    "File3DFBX",
    "File3DGLB",
    "File3DGLTF",
    "File3DOBJ",
    "File3DSTL",
    "File3DUSDZ",
    "FlowControl",
    "Gligen",
    "Guider",
    "Histogram",
    "HookKeyframes",
    "Hooks",
    "Image",
    "ImageCompare",
    "Latent",
    "LatentOperation",
    "LatentUpscaleModel",
    "Load3D",
    "Load3DAnimation",
    "Load3DCamera",
    "LoraModel",
    "LossMap",
    "Mask",
    "Mesh",
    "Model",
    "ModelPatch",
    "MultiType",
    "Noise",
    "Photomaker",
    "Point",
    "Range",
    "ResolutionPreview",
    "Sampler",
    "Sigmas",
    "StyleModel",
    "TimestepsRange",
    "Tracks",
    "UpscaleModel",
    "Vae",
    "Video",
    "VideoEdit",
    "Voxel",
    "WanCameraEmbedding",
]
