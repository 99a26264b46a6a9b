"""Runs of other trackers, taken over from what these export."""
