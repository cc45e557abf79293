"""What is said about runs: durations, states, and what to try when one did not end well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ui.shared.plain_text import plain
from vae_core.config.schema import TrainConfig
from vae_core.runs import RunStatus
from vae_core.training.time_estimate_in_background import Outlook

NO_RUNS = "Nothing has been trained here yet. The settings of the form make a good model of the chosen images: press **Train**."
ELBO = (
    "ELBO: how well the model explains a picture, in nats per image; higher is better. Test images were never used in training; "
    "validation images chose the epoch that is kept, so their figure is a little too good."
)
SPLITS = (
    "Nats measure surprise: the fewer, the better. The model learns from training images; validation images are held back to see "
    "whether it understands pictures it has not learnt from."
)
MEANINGS = {
    "reconstruction": "How far the redrawn pictures are from the originals, −log p(x|z). It falls as the model learns.",
    "error": "(x − x̂)², summed over the pixels of an image, which run from 0 to 1. It falls as the model learns.",
    "kl": "How much the codes z say about their pictures, KL(q ‖ p). It is the price of a code; β is its weight.",
    "loss": "What the training makes small, as the objective defines it: for the β-ELBO reconstruction plus β times KL.",
    "elbo": "How well the model explains a picture: log p(x|z) − KL, always with β = 1. Higher is better.",
    "lr": "How large each correction of the model is.",
    "gradient_norm": "How steep the loss is at the weights, before it is clipped. Spikes are steps that could have gone astray.",
    "images_per_second": "How many training images a second the run takes in.",
    "dims": "How much each dimension of z says about a picture. A row that stays pale is a dimension the model does not use.",
    "marginal": "How much each dimension says about a picture by itself. The posterior is full: they do not add up to the KL.",
    "reconstructions": "Pictures the model has never learnt from, and how it redraws them from their codes.",
    "fitted": "Decoded from random codes. An autoencoder has no prior: they are drawn from a Gaussian fitted to its codes.",
    "samples": "Pictures decoded from random codes: what the model makes up by itself.",
}
STARTING = "Starting: loading the libraries and the images."
MISSING_DATA = (
    "The images of {title} are not on this computer yet; training downloads {size} first. Without a network choose "
    "**Coloured shapes**, which need no download."
)
PACKED_DATA = "The files of {title} are on this computer; training unpacks them first."
MISSING_OWN = (
    "The files of {title} are not whole any more: something else than this program has changed them. Choose other images, or "
    "delete these under **Your own pictures** and add them again."
)
DIED = "The process is gone without having said why: it was killed, or the computer was restarted or out of memory."
TRY_DIED = "Train again; if it happens again, a smaller batch size or fewer filters need less memory."
RESUME_DIED = "**Resume** goes on from its last saved state, as if nothing had happened."
RESTART_DIED = "It had hardly begun: **Resume** starts it again."
STALLED = (
    "The run has shown no sign of life for {minutes}. It may wait for a disk or for memory, or its process was suspended. If "
    "that does not pass, end it by force; **Resume** then goes on from its last saved state."
)
TRY_FAILED = "Change in the form what the message names, and train again."
KEPT = "The best model until then is kept and can be explored."


def duration(seconds: float) -> str:
    """Rounded the way a person would say it: "8 s", "1 min 40 s", "2 h 05 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def about(seconds: float) -> str:
    """An estimate, with no more digits than it deserves: "about 20 s", "about 4 min"."""
    if seconds < 55:
        return f"about {max(5, 5 * round(seconds / 5))} s"
    if seconds < 3600:
        halves = round(seconds / 30)
        return f"about {halves / 2:g} min" if halves < 8 else f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"


def span(fastest: float, slowest: float) -> str:
    """One estimate, or two where the first would hide how different it can be: "about 2 to 11 min"."""
    low, high = about(fastest), about(slowest)
    if slowest < 1.4 * fastest or low == high:
        return about((fastest + slowest) / 2)
    low, high = low.removeprefix("about "), high.removeprefix("about ")
    (amount, unit), other = low.split(), high.split()[1]
    return f"about {amount} to {high}" if unit == other else f"about {low} to {high}"


def outlook(known: Outlook) -> str:
    """How large the model of the form is and how long its training will take, as far as it is known."""
    if known.parameters is None:
        return f"Size and time cannot be told: {known.trouble}." if known.trouble else "Counting parameters …"
    size = f"{known.parameters / 1e6:.2g} M parameters" if known.parameters > 1e5 else f"{known.parameters:,} parameters"
    if known.estimate is not None:
        condition = "when nothing else keeps this computer busy" if known.estimate.alone else "on this computer"
        return f"{size} · **{span(known.estimate.fastest, known.estimate.slowest)}** {condition}"
    if known.waiting:
        return f"{size} · measuring how fast this computer is …"
    return f"{size} · " + (f"the time cannot be told: {known.trouble}" if known.trouble else "how long it takes is not known yet")


def basis(known: Outlook) -> str | None:
    """What an estimate rests on."""
    if known.estimate is None:
        return None
    rate, source = f"{known.estimate.images_per_second:,.0f} images a second", known.estimate.source
    return f"From {source}{', scaled to this model' if known.estimate.scaled else ''}: {rate}."


def nats(value: float) -> str:
    """One decimal and a real minus sign."""
    return f"{value:.1f}".replace("-", "−")


def epoch_of(run: RunStatus) -> str:
    """Which epoch a run is in: "epoch 3 of 8", the same everywhere on the page."""
    if run.config is None:
        return ""
    return f"epoch {min(int(run.epoch) + 1, run.config.epochs)} of {run.config.epochs}"


def best(run: RunStatus) -> str:
    """The validation figure that chose the epoch which is kept; "" before there is one."""
    if run.elbo is not None:
        return f"validation ELBO {nats(run.elbo)}"
    return "" if run.error is None else f"validation error {run.error:.2f}"


def is_autoencoder(run: RunStatus) -> bool:
    """Whether it has a squared error and neither KL nor ELBO."""
    return run.config is not None and run.config.objective.trains != "vae"


def state_line(run: RunStatus) -> str:
    """One quiet line under a run's name in the list."""
    elbo = best(run)
    model = "usable" if run.checkpoint else "no model"
    parts = {
        "queued": ["queued"],
        "running": ["stopping" if run.stopping else "stalled" if run.stalled else "running", epoch_of(run), elbo],
        "done": ["done", elbo, duration(run.seconds)],
        "stopped": [stopped(run), elbo, "" if never_began(run) else model],
        "paused": [f"paused at epoch {run.epoch:.1f}" if run.epoch else "paused before it began", elbo],
        "failed": ["failed", elbo, model],
        "died": ["died", elbo, model],
        "unreadable": ["unreadable"],
    }[run.state]
    return " · ".join(part for part in parts if part)


def never_began(run: RunStatus) -> bool:
    """Whether it was stopped while it waited for its turn."""
    return run.state == "stopped" and run.started is None and not run.before


def stopped(run: RunStatus) -> str:
    """Where it was when it was stopped."""
    if never_began(run):
        return "cancelled before it started"
    return f"stopped at epoch {run.epoch:.1f}" if run.epoch else "stopped before the first step"


def unreadable(run: RunStatus) -> str:
    """Why a run's folder cannot be read, and what can be done."""
    what = f"This run cannot be read: {run.message} Something else than this program has changed its folder."
    model = "Its model can still be explored. " if run.checkpoint else ""
    return f"{what} {model}Other runs are not affected; under **More** it can be deleted."


def advice(run: RunStatus) -> str:
    """Why a run did not end well, and what to do about it."""
    what, then = (DIED, TRY_DIED) if run.state == "died" else (run.message or "The run failed.", TRY_FAILED)
    if run.state == "died" and run.resumable:
        then = RESUME_DIED if run.has_state else RESTART_DIED
    if run.reason in ("disk", "state", "data"):  # the message says itself what to do
        then = ""
    return " ".join(part for part in (what, KEPT if run.checkpoint else "", "" if "Try " in what else then) if part)


def paused(run: RunStatus) -> str:
    """Where it waits, and what it takes to go on."""
    where = f"Paused at epoch {run.epoch:.1f}" if run.epoch else "Paused before it began"
    of = f" of {run.config.epochs}" if run.config and run.epoch else ""
    return f"{where}{of}. **Resume** goes on from there, as if nothing had happened."


def queued(ahead: int) -> str:
    """When a waiting run begins."""
    if ahead == 0:
        return "Queued: begins in a moment."
    return f"Queued: begins when {ahead} earlier {'run has' if ahead == 1 else 'runs have'} ended."


def origin(run: RunStatus, everything: list[RunStatus]) -> str:
    """Which run's settings it was made from, and what is different."""
    before = next((other for other in everything if other.run_id == run.parent), None)
    if before is None:
        return "Trained again with the settings of a run that is no longer there."
    changed = _changed(before.config, run.config) if before.config and run.config else []
    what = "; ".join(changed[:4]) + (f" and {len(changed) - 4} more" if len(changed) > 4 else "")
    return f"As **{plain(before.name)}**" + (f", but {what}" if what else ", unchanged")


def _changed(before: TrainConfig, now: TrainConfig) -> list[str]:
    old, new = dict(_values(before.model_dump(mode="json"))), dict(_values(now.model_dump(mode="json")))
    names = [name for name in new if old.get(name) != new[name]]
    return [f"{plain(name.replace('_', ' '))} {plain(f'{old.get(name)} → {new[name]}')}" for name in names]


def _values(config: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in config.items():
        if isinstance(value, dict):
            yield from (("objective", inner) if key == "kind" else (key, inner) for key, inner in _values(value))
        else:
            yield name, value


def days(count: float) -> str:
    """As a person would say it: "6 days", "less than a day"."""
    whole = round(count)
    return "less than a day" if whole < 1 else f"{whole} day{'s' if whole > 1 else ''}"


def totals(runs: list[RunStatus]) -> str:
    """How busy the machine is: "1 running · 2 queued"."""
    counts = {state: sum(run.state == state for run in runs) for state in ("running", "queued")}
    return " · ".join(f"{count} {state}" for state, count in counts.items() if count)
