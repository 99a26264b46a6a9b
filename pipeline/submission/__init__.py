"""Experiments in a stage: a tree's models on Vertex Pipelines, which no verb delivers."""
