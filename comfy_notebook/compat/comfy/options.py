"""``comfy.options``: whether the command line is read; it is not."""

args_parsing = False


def enable_args_parsing(enable: bool = True) -> None:
    """Options come from ``comfy-notebook serve``."""
    global args_parsing
    args_parsing = enable
