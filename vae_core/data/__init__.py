"""Datasets: which there are, loading and splitting them, the procedural one."""
