"""Plots, drawn with matplotlib, by what they show."""
