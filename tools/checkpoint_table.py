"""Writes checkpoints/README.md from the headers of the models that lie there, so that no figure is ever typed.

python -m tools.checkpoint_table
"""

from __future__ import annotations

from pathlib import Path

from vae_core.model_files.header import Header, load_header

FOLDER = Path(__file__).resolve().parents[1] / "checkpoints"

HEAD = """# The shipped models

Each was trained by the command line below it, on real data (`shapes` is procedural), and measured on its whole test set with one
draw of z for each image. Everything is in nats per image; ELBO = -(reconstruction + KL) with beta = 1, whatever beta it was
trained with. Grey pixels are read as Bernoulli means, so the figures compare with each other and not with those of binarised
images.

`fashion-16d` was trained and tested on all 70,000 Fashion-MNIST images with another assignment of images to train and test than
the canonical one (6,000 + 1,000 of each class as there): its figures are only roughly comparable with published ones.

This file is written by `python -m tools.checkpoint_table` from the headers of the model files.
"""

FACTORS = """
How well each known factor is read from the posterior means, on the half of the test images that was not fitted: R^2 of kernel
ridge regression and, in brackets, of linear regression; for the shape, the share of images whose kind is read correctly. The
rotation is read up to the symmetry of each shape: a square turned by -45 degrees is the one turned by 45.
"""


def table(headers: dict[str, Header]) -> str:
    """The figures, a line for each model."""
    lines = [
        "| model | latents | architecture | objective | test ELBO | reconstruction | KL | active units | size |",
        "|---|" + "---:|" * 8,
    ]
    for name, header in headers.items():
        metrics, model = header.metrics, header.config.model
        assert metrics is not None, name
        size = (FOLDER / f"{name}.safetensors").stat().st_size / 1e6
        elbo = f"{metrics.elbo:.2f} ± {metrics.elbo_se:.2f}"
        figures = (elbo, f"{metrics.reconstruction:.2f}", f"{metrics.kl:.2f}", str(metrics.active_units), f"{size:.1f} MB")
        what = (f"`{name}`", str(model.latent_dim), model.architecture, header.config.objective.summary)
        lines.append(f"| {' | '.join(what + figures)} |")
    return "\n".join(lines)


def factors(headers: dict[str, Header]) -> list[str]:
    """How well known factors are read from mu, a line for each model that knows; nothing where none does."""
    known = {name: header.factors for name, header in headers.items() if header.factors}
    if not known:
        return []
    names = list(next(iter(known.values())))
    lines = [f"| model | {' | '.join(names)} |", "|---|" + "---:|" * len(names)]
    for model, scores in known.items():
        cells = [f"{scores[name].score:.3f} ({scores[name].linear:.3f})" for name in names]
        lines.append(f"| `{model}` | {' | '.join(cells)} |")
    return [FACTORS, *lines]


def details(name: str, header: Header) -> str:
    """Where one model comes from."""
    config, metrics = header.config, header.metrics
    assert metrics is not None, name
    facts = (
        f"seed {config.seed}",
        f"best epoch {header.epoch:g} of {config.epochs} by beta-free validation ELBO",
        f"{header.seconds / 60:.0f} minutes on two busy cores",
        f"{metrics.images:,} test images",
        f"data digest `{header.data_digest[:16]}`",
        header.created[:10],
    )
    return f"## {name}\n\n```\n{header.command}\n```\n\n{'; '.join(facts)}.\n"


def page() -> str:
    """The whole file."""
    headers = {path.stem: load_header(path) for path in sorted(FOLDER.glob("*.safetensors"))}
    parts = [details(name, header) for name, header in headers.items()]
    return "\n".join([HEAD, table(headers), *factors(headers), "", *parts])


if __name__ == "__main__":
    (FOLDER / "README.md").write_text(page())
