"""A Vertex endpoint: a model's versions answer at it.

A share of the requests and answers is logged.
"""

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_google.vertex_ai_endpoint import VertexAiEndpoint
from cdktf_cdktf_provider_google.vertex_ai_endpoint import (
    VertexAiEndpointPredictRequestResponseLoggingConfig as Logging,
)
from cdktf_cdktf_provider_google.vertex_ai_endpoint import (
    VertexAiEndpointPredictRequestResponseLoggingConfigBigqueryDestination as Destination,
)
from constructs import Construct


class Endpoint(Construct):
    """One endpoint and its log.

    `endpoint_id` is a number of up to ten digits. `log_table` is PROJECT.DATASET.TABLE, which
    Vertex makes itself.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        endpoint_id: str,
        display_name: str,
        location: str,
        log_table: str,
        sampling_rate: float,
        deletable: bool = False,
    ) -> None:
        super().__init__(scope, id_)
        if not 0 < sampling_rate <= 1:
            raise ValueError(
                f"sampling_rate is {sampling_rate}, allowed is more than 0 and at most 1"
            )
        table = Destination(output_uri=f"bq://{log_table}")
        logging = Logging(enabled=True, sampling_rate=sampling_rate, bigquery_destination=table)
        # Deliveries move the traffic; Terraform must not move it back.
        lifecycle = TerraformResourceLifecycle(
            ignore_changes=["traffic_split"], prevent_destroy=not deletable
        )
        self.resource = VertexAiEndpoint(
            self,
            "Resource",
            name=endpoint_id,
            display_name=display_name,
            location=location,
            region=location,
            predict_request_response_logging_config=logging,
            lifecycle=lifecycle,
        )
