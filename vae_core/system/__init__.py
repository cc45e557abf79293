"""Files, threads, devices: what the rest needs from the operating system and the hardware."""
