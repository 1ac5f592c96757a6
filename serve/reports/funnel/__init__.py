"""From stage to stage: how many, how fast, and the bottleneck."""
