"""From a commit to a served model: what changed, what of it is delivered, and the record of what was."""
