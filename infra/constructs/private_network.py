"""A network for machines without an external address."""

from cdktf_cdktf_provider_google.compute_network import ComputeNetwork
from cdktf_cdktf_provider_google.compute_subnetwork import ComputeSubnetwork
from constructs import Construct

ADDRESSES = "10.0.0.0/20"  # 4,092 machines; no other network can reach them


class PrivateNetwork(Construct):
    """A network of one subnetwork: its machines reach Google's APIs, and nothing reaches them.

    It costs nothing. No firewall rule lets anything in: Dataflow's workers speak to each other only
    where neither Dataflow Shuffle nor Streaming Engine does it for them
    (https://cloud.google.com/dataflow/docs/guides/routes-firewall).
    """

    def __init__(self, scope: Construct, id_: str, *, name: str, region: str) -> None:
        super().__init__(scope, id_)
        network = ComputeNetwork(
            self,
            "Network",
            name=name,
            auto_create_subnetworks=False,
            routing_mode="REGIONAL",
        )
        ComputeSubnetwork(
            self,
            "Subnetwork",
            name=name,
            region=region,
            network=network.id,
            ip_cidr_range=ADDRESSES,
            private_ip_google_access=True,
        )
