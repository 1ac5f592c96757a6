"""Conversion and time per phase (funnel), by group (groups), and what holds leads up (holdup)."""
