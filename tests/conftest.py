"""Models small enough to make on the spot (never trained, but lively: every slider changes the picture), and a real Chromium."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tools.browser import ENGINES, find, launch
from vae_core.config.schema import train_config
from vae_core.data.catalog import dataset_info
from vae_core.model.vae import build
from vae_core.model_files.checkpoints import save
from vae_core.model_files.header import QUANTILES, Header, LatentStatistics, Metrics

# The files whose tests wait for real trainings, imports and maps, the longest first.
LONG = (
    "test_train.py",
    "test_paths.py",
    "test_explore.py",
    "test_compare.py",
    "test_scrub.py",
    "test_neighbour_embeddings.py",
    "test_import_panel.py",
    "test_from_pictures_to_model.py",
    "test_autoencoder.py",
)


def save_model(
    path: Path,
    *,
    data: str = "mnist",
    architecture: str = "mlp",
    latent_dim: int = 4,
    seed: int = 0,
    inactive: int = 1,
    codes: bool = True,
    points: int = 200,
    posterior: str = "diagonal",
    pairs: bool = True,
    labels: Sequence[int] | None = None,
    model: dict[str, object] | None = None,
    **config: object,
) -> Path:
    """Writes a model file with `inactive` unused dimensions at the end and KL rising with the dimension's number before."""
    model_config = {"architecture": architecture, "latent_dim": latent_dim, "hidden": (32,), "filters": 8, "features": 32}
    fields = model_config | {"posterior": posterior} | (model or {})
    training = train_config(data={"name": data}, model=fields, seed=seed, **config)
    network = build(training.model, seed=seed)
    with torch.no_grad():
        for parameter in network.decoder.parameters():
            parameter.mul_(3.0)  # fresh weights decode everything to the same grey
    active = latent_dim - inactive
    statistics = LatentStatistics(
        kl=[0.5 + 0.1 * d if d < active else 0.001 for d in range(latent_dim)],
        mean=[0.0] * latent_dim,
        std=[1.0] * latent_dim,
        mean_variance=[0.8 if d < active else 0.0001 for d in range(latent_dim)],
        quantiles=[[float(torch.special.ndtri(torch.tensor(q)))] * latent_dim for q in QUANTILES],
    )
    metrics = Metrics(split="test", images=100, elbo=-95.4, elbo_se=0.2, reconstruction=75.4, kl=20.0, active_units=active)
    header = Header(
        name=path.stem,
        config=training,
        data=dataset_info(data).facts(None),
        data_digest="0" * 64,
        metrics=metrics,
        statistics=statistics,
        command="python -m vae_core train",
        created="2025-06-01T12:00:00+00:00",
    )
    extras = {}
    if codes:
        generator = torch.Generator().manual_seed(seed)
        extras = {
            "latents.mu": torch.randn(points, latent_dim, generator=generator),
            "latents.std": torch.full((points, latent_dim), 0.3),
            "latents.labels": torch.arange(points) % 10 if labels is None else torch.tensor(labels),
            "latents.elbo": -100 + 10 * torch.randn(points, generator=generator),
        }
        if posterior == "full" and pairs:
            extras["latents.correlation"] = torch.full((points, latent_dim * (latent_dim - 1) // 2), -0.75).half()
    save(path, network, header, extras)
    return path


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Path]:
    """`make_model(path, data=..., architecture=..., latent_dim=...)` writes a model file; see save_model."""
    return save_model


@pytest.fixture
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the app takes for `checkpoints/`, and an empty one for runs."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    monkeypatch.setenv("VAE_CHECKPOINTS", str(folder))
    monkeypatch.setenv("VAE_RUNS", str(tmp_path / "runs"))
    return folder


@pytest.fixture
def tiny_checkpoint(models_dir: Path) -> Path:
    """One model named `tiny`: 28x28 grey, 4 latent dimensions of which z3 is unused."""
    return save_model(models_dir / "tiny.safetensors")


def pytest_unconfigure() -> None:
    """A thread that still computes with torch when the interpreter ends would make the process abort."""
    going = [thread for thread in threading.enumerate() if thread.name.startswith(("measure", "count"))]
    for thread in going:
        thread.join(60)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=sorted(ENGINES), default="chromium", help="the browser that the browser tests drive")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, a file as a whole: so that no process is left with it alone at the end."""
    items.sort(key=lambda item: (LONG.index(item.path.name) if item.path.name in LONG else len(LONG), item.path.parent.name))


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """An installed browser of the kind asked for, else Playwright's own. Without one these tests fail; they are never skipped."""
    engine = ENGINES[request.config.getoption("--engine")]
    installed = find(engine)  # looked for before Playwright runs: it cannot start twice in one thread
    with sync_playwright() as playwright:
        yield launch(playwright, engine, installed)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A profile of the browser."""
    made = browser.new_context(viewport={"width": 1280, "height": 720})
    yield made
    made.close()


@pytest.fixture
def page(browser: Browser, context: BrowserContext) -> Iterator[Page]:
    """A fresh tab at 1280x720; a script error on the page fails the test."""
    context.set_default_timeout(20_000)
    expect.set_options(timeout=20_000)  # a busy machine is no failure
    tab = context.new_page()
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    yield tab
    tab.close()
    if browser.browser_type.name == "firefox":  # it reports a socket whose server is away as if a script had failed
        errors = [error for error in errors if "ws://" not in error]
    assert not errors, errors
