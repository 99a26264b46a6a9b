"""Says what a window of one version is: the faults, drift or season it shows."""
