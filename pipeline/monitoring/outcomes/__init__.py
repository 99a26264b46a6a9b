"""Joins what was asked with what came true: one more count of the log, where outcomes arrive."""
