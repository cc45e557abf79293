"""Several runs as rows of a table: their figures, and where their configurations differ. Knows nothing of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ui.train import run_sentences
from ui.train.metrics_history import History
from vae_core.runs import RunStatus

FOLLOWS = ("model.height", "model.width", "model.channels")  # from the images
NAMED = {
    "data.name": "images",
    "data.limit": "images to use",
    "data.validation": "validation images",
    "objective.kind": "objective",
}
DIFFERS = "≠ "  # before the name of a setting that is not the same in all runs
Value = str | int | float | None


@dataclass(frozen=True)
class Compared:
    """One run of a comparison."""

    run: RunStatus
    history: History
    colour: str

    @property
    def plain(self) -> bool:
        """Whether it is an autoencoder's, which has no KL and no ELBO."""
        return run_sentences.is_autoencoder(self.run)

    def test(self, name: str) -> float | None:
        """A figure of the test images; None before the end of the run."""
        value = self.history.end.get(f"test_{name}")
        return float(value) if isinstance(value, int | float) else None

    @property
    def pace(self) -> float | None:
        """Images per second: the median over the run."""
        rates = self.history.column("step", "images_per_second")[1]
        return float(np.median(rates)) if len(rates) else None


def figures(compared: list[Compared]) -> list[dict[str, float | None]]:
    """What came out of each run. Columns that mean nothing for these runs are left out: an autoencoder has no ELBO, and the
    validation ELBO, which chose the epoch that is kept, stands in where there is no test ELBO yet."""
    rows = []
    untested = any(one.test("elbo") is None for one in compared if not one.plain)
    for one in compared:
        bound = {"Test ELBO": one.test("elbo"), "Reconstruction": None if one.plain else one.test("reconstruction"),
                 "KL": one.test("kl")} | ({"Validation ELBO": one.run.elbo} if untested else {})  # fmt: skip
        error = {"Squared error": one.test("reconstruction") if one.plain else None}
        some = {} if all(other.plain for other in compared) else bound
        some |= error if any(other.plain for other in compared) else {}
        rest = {"Active units": one.test("active_units"), "Seconds": round(one.run.seconds, 1), "Images/s": one.pace}
        rows.append(some | rest)
    return rows


def settings(compared: list[Compared]) -> tuple[list[dict[str, Value]], dict[str, str]]:
    """Of each run the settings that differ between them; and those that all share, as words."""
    flat = [_flat(one.run.config.model_dump()) if one.run.config else {} for one in compared]
    paths = [path for path in dict.fromkeys(path for values in flat for path in values) if path not in FOLLOWS]
    differing = [path for path in paths if len({_words(values.get(path)) for values in flat}) > 1]
    names = {path: _name(path, paths) for path in paths}
    as_words = {path for path in differing if not all(_is_number(values.get(path)) for values in flat)}
    rows = [
        {DIFFERS + names[path]: _words(values.get(path)) if path in as_words else values.get(path) for path in differing}
        for values in flat
    ]
    same = {names[path]: _words(flat[0][path]) for path in paths if path not in differing} if flat else {}
    return rows, same


def remarks(compared: list[Compared]) -> list[str]:
    """What has to be known before one compares these runs."""
    said = []
    images = {one.run.config.data.name for one in compared if one.run.config}
    if len(images) > 1:
        said.append(f"Their images differ ({', '.join(sorted(images))}): their figures do not compare.")
    likelihoods = {_likelihood(one) for one in compared if one.run.config and not one.plain}
    if len(likelihoods) > 1:
        said.append(f"Their likelihoods differ ({', '.join(sorted(likelihoods))}): the nats of one are not those of another.")
    plain = [one.run.name for one in compared if one.plain]
    if plain and len(plain) < len(compared):
        what = "is an autoencoder: it has" if len(plain) == 1 else "are autoencoders: they have"
        said.append(f"{_listed(plain)} {what} a squared error and neither ELBO nor KL.")
    untested = [one for one in compared if one.test("reconstruction") is None]
    if untested:
        names = _listed([f"{one.run.name} ({one.run.state})" for one in untested])
        said.append(f"No test figures of {names}: they come with the end of a run.")
    unknown = [one.run.name for one in compared if one.run.config is None]
    if unknown:
        said.append(f"The configuration of {_listed(unknown)} cannot be read.")
    return said


def _likelihood(one: Compared) -> str:
    assert one.run.config is not None
    model = one.run.config.model
    return model.likelihood if model.sigma is None else f"{model.likelihood} with σ {model.sigma:g}"


def _flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    """{"model": {"latent_dim": 3}} as {"model.latent_dim": 3}."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _flat(value, f"{before}{key}.") if isinstance(value, dict) else {before + key: value}
    return found


def _name(path: str, paths: list[str]) -> str:
    """The last part of a setting's path, or more of it where two settings end alike."""
    last = path.rpartition(".")[2]
    alike = sum(other.rpartition(".")[2] == last for other in paths) > 1
    return NAMED.get(path) or (path if alike else last).replace("_", " ").replace(".", " ")


def _words(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
