"""Intervals, the bootstrap, metrics, calibration and the judgement of two rankers."""
