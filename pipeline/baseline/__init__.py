"""A model's training rows in counts, comparable with the counts of a request log.

Importable by nodes: a change here retrains every model, unlike one in pipeline/monitoring.
"""
