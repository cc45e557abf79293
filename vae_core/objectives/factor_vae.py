"""The ELBO with a penalty on the total correlation of z, which a second network estimates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from vae_core.objectives.objective import InForm, Model, Objective, ObjectiveConfig, RunContext, Terms, standard_normal

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

HIDDEN_LAYERS = 5


class FactorVAE(ObjectiveConfig):
    """ELBO - gamma KL(q(z) || prod_d q(z_d)). Kim & Mnih 2018, equation 2."""

    title = "FactorVAE"
    about = "presses the sliders to be independent of each other, with a second network that judges it"
    figures: ClassVar = {
        "total_correlation": (
            "Total correlation",
            "How much the numbers of z say about each other, in nats; 0 if they are independent.",
        ),
        "discriminator_loss": (
            "Discriminator",
            "Loss of the second network; at ln 2 = 0.69 it cannot tell dependent z from others.",
        ),
    }

    kind: Literal["factor-vae"] = "factor-vae"
    gamma: Annotated[float, InForm("γ, weight of TC", live=True)] = Field(
        10.0,
        ge=0,
        le=1000,
        description=(
            "Weight of the total correlation: how strongly the sliders are pressed to be independent. Higher separates them "
            "more; 0 is the ELBO."
        ),
    )
    discriminator_width: Annotated[int, InForm("Units of D", 50.0, advanced=True)] = Field(
        256,
        ge=4,
        le=4096,
        description="Units in each layer of D, the second network (a discriminator). The paper has 1,000; more judge better.",
    )
    discriminator_learning_rate: Annotated[float, InForm("Learning rate of D", 0.0001, advanced=True)] = Field(
        1e-4,
        gt=0,
        le=1,
        description="How large each correction of D, the second network, is.",
    )

    def start(self, run: RunContext) -> Objective:
        return _FactorVAE(self, run)

    @property
    def summary(self) -> str:
        return f"FactorVAE, γ {self.gamma:g}"

    @property
    def suffix(self) -> str:
        return f"-factor{self.gamma:g}"

    @property
    def cost(self) -> str:
        return f"{self.title} {self.discriminator_width}"


class _FactorVAE(Objective):
    """Algorithm 2 of Kim & Mnih 2018, with one batch where it takes two: the model learns from all of it, then the discriminator
    compares the z of its first half with the permuted z of its second. Both are those of the model before its step."""

    def __init__(self, config: FactorVAE, run: RunContext) -> None:
        import torch

        self.gamma = config.gamma
        self.discriminator = discriminator(run.latent_dim, config.discriminator_width, run.seed + 2).to(run.device)
        self.discriminator.requires_grad_(False)  # but in its own step: the model's loss is none of its own
        # Adam with the momenta of the paper, appendix A.
        self.optimizer = torch.optim.Adam(
            self.discriminator.parameters(), lr=config.discriminator_learning_rate, betas=(0.5, 0.9)
        )
        self.loss = torch.zeros((), device=run.device)  # the discriminator's, at its last step
        self.batch: tuple[Tensor, torch.Generator] | None = None  # z of the step that goes on, and where its chance comes from

    def reconfigure(self, config: FactorVAE) -> None:
        self.gamma = config.gamma

    def __call__(self, model: Model, x: Tensor, noise: torch.Generator, step: int) -> Terms:
        import torch

        q = model.encode(x)
        z = q.sample(standard_normal(model, x, noise))
        log_px_z, kl = model.decode(z).log_prob(x), q.kl()
        with torch.autocast(z.device.type, enabled=False):
            log_ratio = self.discriminator(z)[:, 0]  # log q(z) / prod_d q(z_d), whose mean is the total correlation
        self.batch = z.detach(), noise
        more = {"total_correlation": log_ratio, "discriminator_loss": self.loss}
        return Terms(kl - log_px_z + self.gamma * log_ratio, log_px_z, kl, q.kl_per_dim(), more)

    def update_own_networks(self) -> None:
        import torch.nn.functional as F

        assert self.batch is not None
        z, noise = self.batch
        half = len(z) // 2
        if half == 0:  # the last batch of an epoch may hold a single image
            return
        self.discriminator.requires_grad_(True)
        joint = self.discriminator(z[:half])
        independent = self.discriminator(permute_dims(z[half : 2 * half], noise))
        loss = 0.5 * (F.softplus(-joint).mean() + F.softplus(independent).mean())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.discriminator.requires_grad_(False)
        self.loss = loss.detach()


def permute_dims(z: Tensor, generator: torch.Generator) -> Tensor:
    """z (B, D) with each column shuffled by itself: the marginals stay, what they say about each other goes. Algorithm 1."""
    import torch

    order = torch.rand(z.shape, generator=generator, device=z.device).argsort(dim=0)
    return z.gather(0, order)


def discriminator(latent_dim: int, width: int, seed: int) -> nn.Sequential:
    """z (B, D) to the log-odds (B, 1) that it was drawn from q(z) and not from the product of its marginals. Appendix A."""
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        for inputs in (latent_dim, *[width] * (HIDDEN_LAYERS - 1)):
            layers += [nn.Linear(inputs, width), nn.LeakyReLU(0.2, inplace=True)]
        return nn.Sequential(*layers, nn.Linear(width, 1))
