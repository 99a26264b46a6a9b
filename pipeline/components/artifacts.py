"""Types of artifacts that TFX has none for."""

from tfx.types.artifact import Artifact


class Baseline(Artifact):
    """What a model was trained on: baseline.json, or none and the property `problem`.

    Its other properties are `rows`, the number of training rows, `columns`, that of the judged
    columns, and `digest`, the model's. All are custom ones, as TFX's compiler takes no others of
    our types (_validate_properties_schema in tfx/orchestration/kubeflow/v2/compiler_utils.py).
    """

    TYPE_NAME = "esteira.Baseline"  # a namespace and a title, as TFX allows
