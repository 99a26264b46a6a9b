"""Judges a window of one version by its faults, drift or season."""
