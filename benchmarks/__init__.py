"""Ratios against peers, each from one command: `python -m benchmarks.features`."""
