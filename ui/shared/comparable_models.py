"""Which models can be compared with the open one, and why others cannot: under the same z, or with the same input image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ui.shared import cached_models
from ui.shared.model_picker import KINDS, LIKELIHOODS
from vae_core.errors import LatentWalkError

if TYPE_CHECKING:
    from vae_core.model_files.header import Header
    from vae_core.model_files.model_list import ModelEntry

DENSITIES = {"gaussian", "gaussian-per-pixel"}  # likelihoods whose nats compare with each other


@dataclass(frozen=True, kw_only=True)
class Other:
    """Another model beside the open one."""

    name: str
    version: int  # mtime_ns of its file
    facts: str  # one quiet line
    same_z: bool  # one z is a point in both, and their pictures have one size; it need not mean the same in both
    same_image: bool  # one picture is an input of both encoders
    same_data: bool  # both were trained on one dataset
    why: str  # what stands against the same z, or against both; "" when nothing does

    def sent(self) -> dict[str, Any]:
        """As JSON for the explorer."""
        return {
            "name": self.name,
            "version": str(self.version),  # larger than a JavaScript number holds
            "facts": self.facts,
            "sameZ": self.same_z,
            "sameImage": self.same_image,
            "sameData": self.same_data,
            "why": self.why,
        }


def others(entry: ModelEntry) -> tuple[Other, ...]:
    """Every other model whose file can be read: those trained on the same data first, else in the registry's order."""
    here = cached_models.header(entry)
    found = []
    for candidate in cached_models.models():
        if candidate.name == entry.name:
            continue
        try:
            there = cached_models.header(candidate)
        except (LatentWalkError, OSError):
            continue  # its own page says what is wrong with it
        found.append(_other(candidate, here, there))
    return tuple(sorted(found, key=lambda other: not other.same_data))


def _other(candidate: ModelEntry, here: Header, there: Header) -> Other:
    same_image, same_size = shape(here) == shape(there), here.latent_dim == there.latent_dim
    if not same_image:
        why = f"its pictures are {shape_words(there)}, here they are {shape_words(here)}"
    elif not same_size:
        why = f"it has {there.latent_dim} latent dimensions, here there are {here.latent_dim}"
    else:
        why = ""
    return Other(
        name=candidate.name,
        version=candidate.mtime_ns,
        facts=facts(there),
        same_z=same_image and same_size,
        same_image=same_image and here.has_encoder and there.has_encoder,
        same_data=here.config.data.name == there.config.data.name,
        why=why,
    )


def facts(header: Header) -> str:
    """What sets a model apart from its neighbours."""
    config = header.config
    what = config.objective.summary if header.has_bound else KINDS[header.kind]
    if header.foreign is not None:
        return " · ".join(filter(None, ("imported decoder", f"{header.latent_dim}-D", header.foreign.licence)))
    known = (config.data.name, f"{header.latent_dim}-D", config.model.architecture, what, header.quality)
    return " · ".join(filter(None, known))


def shape(header: Header) -> tuple[int, int, int]:
    """(H, W, C) of its pictures."""
    model = header.config.model
    return model.height, model.width, model.channels


def shape_words(header: Header) -> str:
    """The size of its pictures in words."""
    height, width, channels = shape(header)
    return f"{height} × {width} in {'grey' if channels == 1 else 'colour'}"


def nats_trouble(here: Header, there: Header) -> str:
    """Why the nats of one picture cannot be compared between two models; "" when they can."""
    if not (here.has_encoder and there.has_encoder):
        return "One of the two is a decoder alone: it cannot encode this picture."
    if not (here.has_bound and there.has_bound):
        if here.foreign is not None or there.foreign is not None:
            return "The likelihood of an imported decoder is not known, so there are no nats to compare."
        return "An autoencoder has no likelihood, so there are no nats to compare; the errors above are on one scale."
    first, second = here.config.model.likelihood, there.config.model.likelihood
    if first == second or {first, second} <= DENSITIES:
        return ""
    return f"One likelihood is {LIKELIHOODS[first]} and one {LIKELIHOODS[second]}: their nats measure different things."
