"""Takes a commit to a served model.

This covers what changed, what of it is delivered, and the record of what was.
"""
