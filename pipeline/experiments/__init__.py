"""Runs as experiments: listed, filtered, compared, tagged, imported and removed."""
