"""The only pixel border: uploaded bytes -> x in [0, 1] with the list of steps taken; x -> uint8 -> PNG. No torch."""

from vae_core.images.decode_upload import FORMATS, MAX_BYTES, MAX_PIXELS, MAX_SIDE, Picture, open_picture
from vae_core.images.detect_ink import Pixels
from vae_core.images.pixels import from_uint8, to_png, to_uint8
from vae_core.images.rotate_crop_resize import Step, Upload, read_upload
from vae_core.images.upload_options import UploadOptions, choices

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MAX_SIDE",
    "Picture",
    "Pixels",
    "Step",
    "Upload",
    "UploadOptions",
    "choices",
    "from_uint8",
    "open_picture",
    "read_upload",
    "to_png",
    "to_uint8",
]
