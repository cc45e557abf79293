"""What NumPy arrays hold, by name."""

import numpy as np
from numpy.typing import NDArray

Float32s = NDArray[np.float32]
Float64s = NDArray[np.float64]
Pixels = NDArray[np.uint8]  # 0 black, 255 white; channels last, (H, W, C) or (N, H, W, C)
