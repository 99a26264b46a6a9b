"""The TFX pipeline and its command line; `python -m pipeline --help`."""
