"""Runs kept by experiment trackers: mlflow here or by address, Vertex Experiments in the cloud."""
