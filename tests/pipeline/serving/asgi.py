"""Requests to an application without a server between."""

import asyncio
import json
from typing import Any

from pipeline.serving.application import Application

Headers = dict[bytes, bytes]
PREDICT_ROUTE = "/predict"
PATIENCE_SECONDS = 60  # with a client that says no more and stays


async def ask(application: Application, content: bytes) -> tuple[int, Headers, Any]:
    """The status, headers and content of the answer to a prediction request."""
    scope = {"type": "http", "method": "POST", "path": PREDICT_ROUTE, "headers": []}
    questions = [{"type": "http.request", "body": content, "more_body": False}]
    answers = []

    async def receive():
        if not questions:
            await asyncio.sleep(PATIENCE_SECONDS)
        return questions.pop()

    async def send(message):
        answers.append(message)

    await application.asgi(scope, receive, send)
    start, body = answers
    return start["status"], dict(start["headers"]), json.loads(body["body"])
