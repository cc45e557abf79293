"""The training loop, its objectives and schedules, and the process it runs in."""
