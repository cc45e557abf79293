"""The rewritten last layer computes what the transposed convolution computes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vae_core.model.subpixel_convolution import SubPixelConvolution


@pytest.mark.parametrize(("inputs", "outputs", "size"), [(8, 3, (5, 7)), (4, 1, (1, 1)), (2, 4, (6, 6))])
@pytest.mark.parametrize("bias", [True, False])
def test_the_subpixel_layer_equals_torchs_transposed_convolution(inputs, outputs, size, bias):
    torch.manual_seed(0)
    transposed = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=bias)
    x = torch.randn(3, inputs, *size)
    torch.testing.assert_close(SubPixelConvolution(transposed)(x), transposed(x).detach(), atol=1e-5, rtol=1e-5)
