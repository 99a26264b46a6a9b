"""Judges a served model by its request log: counts, verdicts, and who is told."""
