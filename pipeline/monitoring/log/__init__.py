"""Counts a log by SQL: one statement a model and day, and the profiles that it leaves."""
