"""FastAPI around the stock signature: uvicorn runs `app` with the model's folder in MODEL."""

import os
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from stock import Model


class Question(BaseModel):
    instances: list[dict[str, Any]]


app = FastAPI()
model = Model(os.environ["MODEL"])


@app.get("/health")
def health() -> dict[str, str]:
    return {"state": "ready"}


@app.post("/predict")
async def predict(question: Question) -> dict[str, list[float]]:
    return {"predictions": model.answers(question.instances)}
