"""A predictor for Vertex's custom prediction routines, as their documentation has it written.

cloud.google.com/vertex-ai/docs/predictions/custom-prediction-routines
"""

from typing import Any

from google.cloud.aiplatform.prediction.predictor import Predictor
from stock import Model


class StockPredictor(Predictor):
    def load(self, artifacts_uri: str) -> None:
        self._model = Model(artifacts_uri)

    def preprocess(self, prediction_input: dict[str, Any]) -> list[dict[str, Any]]:
        instances: list[dict[str, Any]] = prediction_input["instances"]
        return instances

    def predict(self, instances: list[dict[str, Any]]) -> list[float]:
        return self._model.answers(instances)

    def postprocess(self, prediction_results: list[float]) -> dict[str, Any]:
        return {"predictions": prediction_results}
