"""The one reader of a CSV: `run`, `schema`, `predict` and `load-data` have no other.

content opens the file, text makes it UTF-8 without blank edges, header checks its names, table
hands out its rows, and faults turns what Arrow refuses into a sentence.
"""
