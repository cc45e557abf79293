"""Models as ONNX: `decoder_bytes`, `encoder_bytes`, and what a server asks without waiting. Imports no torch and no onnx.

decoder: input `z` float32 (N, D); output `image` float32 (N, C, H, W) in [0, 1], the mean that the page draws.
encoder: input `image` (N, C, H, W) in [0, 1]; outputs `mean` (N, D), `std` (N, D) of the marginals and, of a full posterior,
`covariance_factor` (N, D, D), lower triangular: the covariance is the factor times its transpose. N is any number.

A file is made once, in a child process that stands back for everybody else, and kept in the runs' folder under the hash of the
model's file.
"""

from vae_core.onnx_export.onnx_files import (
    OnnxExportError,
    OnnxFile,
    Part,
    decoder_bytes,
    encoder_bytes,
    file_hash,
    made,
    made_or_started,
    onnx_file,
)

__all__ = [
    "OnnxExportError",
    "OnnxFile",
    "Part",
    "decoder_bytes",
    "encoder_bytes",
    "file_hash",
    "made",
    "made_or_started",
    "onnx_file",
]
