"""Draws what was judged, for people."""
