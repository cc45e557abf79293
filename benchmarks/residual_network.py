"""Is the residual network worth its time? It and conv, trained for equal time on colour images, compared by their test ELBO.

python -m benchmarks.residual_network [--seconds 300] [--data shapes cifar10] [--likelihood discretised-logistic]

Time is that of the processor, in one thread: on a machine that does nothing else it is the time by the clock, and on a busy one
both networks still have equally much. The learning rate follows the time, so that each run ends its schedule. The ELBO has
beta = 1.
"""

from __future__ import annotations

import argparse
import time

import torch

from benchmarks import report
from vae_core.config.schema import TrainConfig, train_config
from vae_core.data import loading
from vae_core.evaluation import diagnostics
from vae_core.training.training_step import TrainingStep

ARCHITECTURES = ("conv", "residual")
COLUMNS = ["data", "likelihood", "architecture", "parameters", "seconds", "images seen", "test ELBO", "reconstruction", "KL"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, nargs="+", default=[300.0])
    parser.add_argument("--data", nargs="+", default=["shapes"])
    parser.add_argument("--likelihood", default="discretised-logistic")
    parser.add_argument("--latent-dim", type=int, default=32)
    parser.add_argument("--test", type=int, default=4000, help="test images that are measured")
    parser.add_argument("--only", nargs="+", default=list(ARCHITECTURES), help="architectures to train")
    parser.add_argument("--no-report", action="store_true", help="print rows and write no file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name in options.data:
        dataset = loading.load(name, 1000)
        for seconds in options.seconds:
            for architecture in options.only:
                model = {"architecture": architecture, "latent_dim": options.latent_dim, "likelihood": options.likelihood}
                objective = {"kind": "beta-elbo", "warmup_epochs": 0.1}  # a short run is over before an epoch is
                config = train_config(data={"name": name}, model=model, objective=objective, device="cpu")
                rows.append([dataset.info.title, options.likelihood, architecture, *row(config, dataset, seconds, options.test)])
                print(*rows[-1], flush=True)
    if not options.no_report:
        words = f"python -m benchmarks.residual_network --seconds {' '.join(f'{s:g}' for s in options.seconds)}"
        words += f" --data {' '.join(options.data)} --likelihood {options.likelihood} --latent-dim {options.latent_dim}"
        about = (__doc__ or "").split("\n\n")[2]
        report.write(f"residual_network_{'_'.join(options.data)}", words, [about + "\n", report.table(COLUMNS, rows)])


def row(config: TrainConfig, dataset: loading.Dataset, seconds: float, test: int) -> list[str]:
    """What a model is and has learned after so many seconds."""
    step = TrainingStep(config, dataset.train.images, torch.device("cpu"))
    seen, spent = trained(step, dataset.train.images, seconds)
    evaluation = diagnostics.evaluate(step.model, dataset.test.images[:test], seed=0)
    found = diagnostics.summarise(evaluation, "test")
    parameters = sum(parameter.numel() for parameter in step.model.parameters())
    assert found.elbo is not None and found.kl is not None and found.elbo_se is not None
    figures = [f"{found.elbo:.1f} ± {found.elbo_se:.1f}", f"{found.reconstruction:.1f}", f"{found.kl:.1f}"]
    return [f"{parameters:,}", f"{spent:.0f}", f"{seen:,}", *figures]


def trained(step: TrainingStep, images: torch.Tensor, seconds: float) -> tuple[int, float]:
    """Trains for so many seconds of the processor; images seen, and seconds."""
    order, seen, began = torch.Generator().manual_seed(0), 0, time.process_time()
    while True:
        for indices in loading.batches(len(images), step.config.batch_size, order):
            spent = time.process_time() - began
            if spent >= seconds:
                return seen, spent
            # How many steps there will be at this pace: the schedule of the learning rate is over when the time is.
            step.total_steps = max(step.count + 1, round(step.count * seconds / spent)) if step.count > 20 else 10_000
            step(images.index_select(0, indices))
            seen += len(indices)


if __name__ == "__main__":
    main()
