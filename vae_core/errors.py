"""Errors a person can meet. Each message is a whole sentence: what was wrong, what was got, what is allowed, what to do next.

LatentWalkError (a ValueError)
  ConfigError      a field of a configuration
  DataError        a dataset that is missing, broken or unknown
  ImageError       an upload that is not a usable image
  CheckpointError  a model file that is missing, broken or does not fit its own config
  NoEncoderError   something that takes an encoder was asked of a model without one
  LatentError      a latent vector of the wrong length or with a value that is not finite
  RunError         a training run that cannot be started, renamed, stopped or deleted
"""


class LatentWalkError(ValueError):
    """Base of every error meant for a person; `str(error)` is the sentence to show."""


class ConfigError(LatentWalkError):
    """A configuration field is unknown or out of range."""


class DataError(LatentWalkError):
    """A dataset is unknown, missing or broken."""


class ImageError(LatentWalkError):
    """Uploaded bytes are not an image this project can use."""


class CheckpointError(LatentWalkError):
    """A model file is missing, broken, or does not fit its own config."""


class NoEncoderError(LatentWalkError):
    """A model is a decoder alone, and an encoder was needed."""


class LatentError(LatentWalkError):
    """A latent vector has the wrong length or a value that is not finite."""


class RunError(LatentWalkError):
    """A training run cannot be started, renamed, stopped or deleted."""
