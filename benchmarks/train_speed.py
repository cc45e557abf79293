"""Seconds per epoch of training, against a plain loop of the same network, and against its layers' products alone.

    python -m benchmarks.train_speed [--epochs 3] [--repeats 3] [--network mlp] [--threads 1]

The plain loop is what a tutorial writes: a dataset with ToTensor, a DataLoader, Adam, float32, `.item()` at every batch. Same
images, same weights at the start, same batch size and learning rate, no warm-up, no clipping, no validation.
"The products alone" are the matrix products or convolutions of one step, forward and backward, on tensors that are already
there, times the steps of an epoch. All take turns, so that a busy machine disturbs all alike; medians over all epochs. Beside the
seconds on the clock stand those of the processor (this process only, all its threads): with one thread and a busy machine they
say what the clock would say on a quiet one.
"""

from __future__ import annotations

import argparse
import shlex
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader

from benchmarks import report
from vae_core.config.schema import TrainConfig, train_config
from vae_core.data import loading
from vae_core.evaluation import diagnostics
from vae_core.model.vae import VAE, build
from vae_core.system import devices
from vae_core.training.loop import train

NETWORKS: dict[str, dict[str, Any]] = {
    "mlp": {"architecture": "mlp", "hidden": (400,), "latent_dim": 20},
    "conv": {"architecture": "conv", "latent_dim": 10},
}
WARM_STEPS, TIMED_STEPS = 20, 200
Row = dict[str, Any]


class Seconds(NamedTuple):
    """On the clock, and of the processor."""

    clock: float
    cpu: float

    @classmethod
    def now(cls) -> Seconds:
        """Both as they stand."""
        return cls(time.perf_counter(), time.process_time())

    def since(self, begin: Seconds, scale: float = 1.0) -> Seconds:
        """What has passed, times `scale`."""
        return Seconds((self.clock - begin.clock) * scale, (self.cpu - begin.cpu) * scale)


def median(seconds: Sequence[Seconds]) -> Seconds:
    """The medians of both."""
    return Seconds(statistics.median(one.clock for one in seconds), statistics.median(one.cpu for one in seconds))


@dataclass
class Curve:
    """Seconds and mean training ELBO (nats per image) of each epoch; the ELBO of the test set at the end."""

    seconds: list[Seconds] = field(default_factory=list)
    elbos: list[float] = field(default_factory=list)
    test_elbo: float = float("nan")


def ours(config: TrainConfig) -> Curve:
    """The project's own loop with all it does while it trains: rows, previews, checkpoints. Validation is not counted."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        train(config, Path(folder), on_row=lambda row: rows.append(row | {"at": Seconds.now()}))
    curve = Curve(test_elbo=rows[-1]["test_elbo"])
    for begin, steps in _epochs(rows):
        counts = [after["step"] - before["step"] for before, after in zip([begin, *steps], steps, strict=False)]
        curve.seconds.append(steps[-1]["at"].since(begin["at"]))
        curve.elbos.append(sum(count * row["elbo"] for count, row in zip(counts, steps, strict=True)) / sum(counts))
    return curve


def _epochs(rows: list[Row]) -> Iterator[tuple[Row, list[Row]]]:
    """(the validation row before an epoch, the epoch's step rows)."""
    steps: list[Row] = []
    begin: Row = {}
    for row in rows:
        if row["kind"] == "step":
            steps.append(row)
        elif row["kind"] == "validation":
            if steps:
                yield begin, steps
            begin, steps = row, []


class TutorialImages(torch.utils.data.Dataset):
    """Our training images served one by one, as torchvision's MNIST does it: array to Pillow image to ToTensor."""

    def __init__(self, split: loading.Split) -> None:
        from torchvision.transforms import ToTensor

        self._images, self._labels, self._transform = split.images[:, 0], split.labels, ToTensor()

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self._transform(Image.fromarray(self._images[index].numpy())), int(self._labels[index])


def plain(config: TrainConfig, workers: int) -> Curve:
    """The tutorial's loop."""
    dataset = loading.load(*config.data.parts)
    device = devices.choose_device(config.device)
    torch.manual_seed(config.seed)
    loader = DataLoader(TutorialImages(dataset.train), batch_size=config.batch_size, shuffle=True, num_workers=workers)
    model = build(config.model, seed=config.seed).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
    curve = Curve()
    for _ in range(config.epochs):
        begin, total = Seconds.now(), 0.0
        for x, _ in loader:
            total += _plain_step(model, optimizer, x.to(device)) * len(x)
        curve.seconds.append(Seconds.now().since(begin))
        curve.elbos.append(-total / len(dataset.train))
    curve.test_elbo = float(diagnostics.evaluate(model.eval(), dataset.test.images).elbo.mean())
    return curve


def _plain_step(model: VAE, optimizer: torch.optim.Optimizer, x: Tensor) -> float:
    q = model.encode(x)
    z = q.sample(torch.randn_like(q.mu))
    loss = (q.kl() - model.decode(z).log_prob(x)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def products(config: TrainConfig, steps: int) -> Seconds:
    """Seconds that the products of `steps` steps take, in the precision that training uses."""
    device = devices.choose_device(config.device)
    dtype = torch.bfloat16 if devices.use_bfloat16(config, device) else torch.float32
    calls = _products_of_a_step(build(config.model).to(device), config.batch_size, device, dtype)
    for _ in range(WARM_STEPS):
        _run(calls, device)
    begin = Seconds.now()
    for _ in range(TIMED_STEPS):
        _run(calls, device, wait=False)
    _wait(device)
    return Seconds.now().since(begin, steps / TIMED_STEPS)


def _run(calls: list[Callable[[], object]], device: torch.device, *, wait: bool = True) -> None:
    for call in calls:
        call()
    if wait:
        _wait(device)


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize()


def _products_of_a_step(model: VAE, batch: int, device: torch.device, dtype: torch.dtype) -> list[Callable[[], object]]:
    """One call per product; the first layer needs no gradient of its input."""
    seen: list[tuple[nn.Module, Tensor, Tensor]] = []
    kinds = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    layers = [module for module in model.modules() if isinstance(module, kinds)]
    hooks = [layer.register_forward_hook(lambda layer, args, out: seen.append((layer, args[0], out))) for layer in layers]
    with torch.no_grad():
        model.decode(model.encode(torch.rand(batch, *model.config.image_shape, device=device)).mu)
    for hook in hooks:
        hook.remove()
    return [call for index, (layer, x, y) in enumerate(seen) for call in _products(layer, x.to(dtype), y.to(dtype), index > 0)]


def _products(layer: nn.Module, x: Tensor, y: Tensor, needs_input_gradient: bool) -> list[Callable[[], object]]:
    assert isinstance(layer.weight, Tensor)
    weight, grad = layer.weight.detach().to(x.dtype), torch.randn_like(y)
    if isinstance(layer, nn.Linear):
        forward_and_weight = [lambda: x @ weight.t(), lambda: grad.t() @ x]
        return [*forward_and_weight, lambda: grad @ weight] if needs_input_gradient else list(forward_and_weight)
    assert isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))
    transposed = isinstance(layer, nn.ConvTranspose2d)
    shape = (layer.stride, layer.padding, layer.dilation, transposed, layer.output_padding, layer.groups)
    wanted = [needs_input_gradient, True, False]
    return [
        lambda: torch.ops.aten.convolution(x, weight, None, *shape),
        lambda: torch.ops.aten.convolution_backward(grad, x, weight, None, *shape, wanted),
    ]


def compare(network: str, epochs: int, repeats: int) -> str:
    """The tables of one network, as Markdown."""
    fields = {"epochs": epochs, "batch_size": 128, "learning_rate": 1e-3, "lr_schedule": "constant"}
    fields |= {"objective": {"kind": "beta-elbo", "warmup": "none"}}
    config = train_config(model=NETWORKS[network], grad_clip=1e6, **fields)
    exact = train_config(model=NETWORKS[network], grad_clip=1e6, precision="float32", **fields)
    device = devices.choose_device()
    half = devices.use_bfloat16(config, device)
    steps = -(-len(loading.load(*config.data.parts).train) // config.batch_size)
    runs: dict[str, list[Curve]] = {}
    alone: dict[str, list[Seconds]] = {}
    for _ in range(repeats):
        for name, chosen in {"ours, bfloat16 (auto)": config, "ours, float32": exact}.items() if half else [("ours", config)]:
            runs.setdefault(name, []).append(ours(chosen))
            alone.setdefault(name, []).append(products(chosen, steps))
        runs.setdefault("plain loop", []).append(plain(config, workers=0))
        runs.setdefault("plain loop, 2 workers", []).append(plain(config, workers=2))
    return _tables(network, runs, {name: median(values) for name, values in alone.items()}, steps)


def _tables(network: str, runs: dict[str, list[Curve]], alone: dict[str, Seconds], steps: int) -> str:
    seconds = {name: median([second for curve in curves for second in curve.seconds]) for name, curves in runs.items()}
    speed = [_speed_row(name, value, seconds["plain loop"], alone.get(name)) for name, value in seconds.items()]
    columns = (
        "clock / processor",
        "s per epoch",
        "ms per step",
        "times the plain loop's speed",
        "products alone, s",
        "times these",
    )
    speed = [(row[0], row[1], f"{1000 * seconds[row[0]].clock / steps:.2f}", *row[2:]) for row in speed]
    curves = [(name, *(f"{elbo:.2f}" for elbo in found[0].elbos), f"{found[0].test_elbo:.2f}") for name, found in runs.items()]
    titles = ("ELBO, nats per image", *(f"train, epoch {epoch + 1}" for epoch in range(len(curves[0]) - 2)), "test, at the end")
    heading = f"## {network}: {NETWORKS[network]}, batch 128, {steps} steps per epoch\n"
    return "\n".join([heading, report.table(columns, speed), report.table(titles, curves)])


def _speed_row(name: str, mine: Seconds, plain_loop: Seconds, alone: Seconds | None) -> tuple[str, ...]:
    if "workers" in name:  # what its worker processes take is not counted
        return name, f"{mine.clock:.2f} / ?", f"{plain_loop.clock / mine.clock:.1f} / ?", "", ""
    speed = f"{plain_loop.clock / mine.clock:.1f} / {plain_loop.cpu / mine.cpu:.1f}"
    row = (name, f"{mine.clock:.2f} / {mine.cpu:.2f}", speed)
    if alone is None:
        return *row, "", ""
    return *row, f"{alone.clock:.2f} / {alone.cpu:.2f}", f"{mine.clock / alone.clock:.2f} / {mine.cpu / alone.cpu:.2f}"


def main() -> None:
    """Run it and write a result file for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--network", choices=sorted(NETWORKS), action="append")
    parser.add_argument("--threads", type=int, default=None, help="of torch; by default one per core")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    command = shlex.join(["python", "-m", "benchmarks.train_speed", *sys.argv[1:]])
    threads = f"torch threads: {torch.get_num_threads()}; medians over {options.repeats} runs of {options.epochs} epochs.\n"
    for network in options.network or sorted(NETWORKS, reverse=True):
        report.write(f"train_speed_{network}", command, [threads, compare(network, options.epochs, options.repeats)])


if __name__ == "__main__":
    main()
