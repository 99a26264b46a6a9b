"""Trains as a Vertex custom job.

The stock component's job here runs our executor instead of TFX's generic one.
"""

from typing import Any

from tfx.dsl.components.base import executor_spec
from tfx.extensions.google_cloud_ai_platform import constants
from tfx.extensions.google_cloud_ai_platform.trainer import executor

from pipeline.components import trainer
from pipeline.job import tfx_patches
from pipeline.spec import VertexTraining


@tfx_patches.executes(trainer.Executor)
class Executor(executor.GenericExecutor):
    """TFX finds it by this name."""


class Trainer(trainer.Trainer):
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def custom_config(training: VertexTraining) -> dict[str, Any]:
    """The custom job, in the shape of Vertex's CustomJob resource."""
    pool = {
        "machine_spec": {"machine_type": training.machine_type},
        "replica_count": 1,
        "container_spec": {"image_uri": training.image},
    }
    return {
        constants.ENABLE_VERTEX_KEY: True,
        constants.VERTEX_REGION_KEY: training.region,
        executor.TRAINING_ARGS_KEY: {
            "project": training.project,
            "worker_pool_specs": [pool],
            "service_account": training.service_account,
        },
    }
