"""Removes old runs: all that a run left, and nothing that a kept run was made of.

`plan` decides, `removal` removes. Nothing else in the project removes a run.
"""
