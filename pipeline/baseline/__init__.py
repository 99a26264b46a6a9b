"""What a model was trained on, in counts that a log of requests can be counted by, too.

Importable by nodes: a change here retrains every model, unlike one in pipeline/monitoring.
"""
