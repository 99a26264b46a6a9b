"""A stand-in for the google provider, for machines without the real one.

It serves the real one's recorded schema over Terraform's protocol, and Terraform validates and
plans against that. The objects are files under ESTEIRA_STANDIN_OBJECTS (see `objects`): a plan
finds what was changed or removed there, and an object that exists already is refused.

The schema doesn't say which change replaces a resource: here every change is made in place. It
knows no enums, patterns, conflicts or defaults either, and there are no data sources.

ESTEIRA_STANDIN_SECONDS is how long each creation takes. The stand-in runs in the provider-standin
venv: `provider` writes its launcher.
"""

import gzip
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgpack
import tf.provider
import tf.runner
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

from tests.standins.terraform import objects as objects
from tests.standins.terraform.values import Block, Values, applied, planned

SCHEMA = Path(__file__).with_name("google-6.50.0.json.gz")
NESTING = {"single": 1, "list": 2, "set": 3, "map": 4, "group": 5}
PROTECTED = {
    "google_bigquery_table": "deletion_protection"
}  # true unless the configuration says false


def unpacked(value: Any) -> Values | None:
    return (
        msgpack.unpackb(value.msgpack, raw=False, strict_map_key=False) if value.msgpack else None
    )


def packed(values: Values | None) -> Any:
    return pb.DynamicValue(msgpack=msgpack.packb(values))


def schema_of(recorded: Block) -> Any:
    return pb.Schema(version=recorded.get("version", 0), block=block_of(recorded["block"]))


def block_of(block: Block) -> Any:
    flags = ("optional", "required", "computed", "sensitive")
    attributes = [
        pb.Schema.Attribute(
            name=name,
            type=json.dumps(a["type"]).encode(),
            **{flag: a[flag] for flag in flags if flag in a},
        )
        for name, a in block.get("attributes", {}).items()
    ]
    nested = [
        pb.Schema.NestedBlock(
            type_name=name,
            block=block_of(n["block"]),
            nesting=NESTING[n["nesting_mode"]],
            min_items=n.get("min_items", 0),
            max_items=n.get("max_items", 0),
        )
        for name, n in block.get("block_types", {}).items()
    ]
    return pb.Schema.Block(attributes=attributes, block_types=nested)


def refusal(summary: str) -> Any:
    return pb.Diagnostic(severity=pb.Diagnostic.ERROR, summary=summary)


class GoogleProvider(rpc.ProviderServicer):
    def __init__(self, _: object) -> None:
        [recorded] = json.loads(gzip.decompress(SCHEMA.read_bytes()))["provider_schemas"].values()
        self.resources: dict[str, Block] = recorded["resource_schemas"]
        self.own: Block = recorded["provider"]
        self.configured: Values = {}
        self.naming = threading.Lock()  # Terraform applies ten at a time

    def GetMetadata(self, request, context):
        resources = [pb.GetMetadata.ResourceMetadata(type_name=kind) for kind in self.resources]
        return pb.GetMetadata.Response(
            server_capabilities=pb.ServerCapabilities(plan_destroy=True), resources=resources
        )

    def GetProviderSchema(self, request, context):
        resources = {kind: schema_of(recorded) for kind, recorded in self.resources.items()}
        return pb.GetProviderSchema.Response(
            provider=schema_of(self.own), resource_schemas=resources
        )

    def ValidateProviderConfig(self, request, context):
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request, context):
        return pb.ValidateResourceConfig.Response()

    def ConfigureProvider(self, request, context):
        self.configured = unpacked(request.config) or {}
        return pb.ConfigureProvider.Response()

    def UpgradeResourceState(self, request, context):
        return pb.UpgradeResourceState.Response(
            upgraded_state=packed(json.loads(request.raw_state.json))
        )

    def ReadResource(self, request, context):
        state = unpacked(request.current_state)
        return pb.ReadResource.Response(
            new_state=packed(objects.read(request.type_name, state["id"]))
        )

    def PlanResourceChange(self, request, context):
        proposed, prior = unpacked(request.proposed_new_state), unpacked(request.prior_state)
        if proposed is not None:
            proposed = planned(
                self.resources[request.type_name]["block"], proposed, prior, self.configured
            )
        return pb.PlanResourceChange.Response(planned_state=packed(proposed))

    def ApplyResourceChange(self, request, context):
        kind, new, prior = (
            request.type_name,
            unpacked(request.planned_state),
            unpacked(request.prior_state),
        )
        try:
            state = (
                self.create(kind, new)
                if prior is None
                else self.update(kind, new, prior)
                if new
                else self.delete(kind, prior)
            )
        except (objects.AlreadyThereError, PermissionError) as error:
            return pb.ApplyResourceChange.Response(
                new_state=packed(prior), diagnostics=[refusal(f"Error applying {kind}: {error}")]
            )
        return pb.ApplyResourceChange.Response(new_state=packed(state))

    def create(self, kind: str, new: Values) -> Values:
        time.sleep(float(os.environ.get("ESTEIRA_STANDIN_SECONDS", "0")))
        with self.naming:
            identity, number = objects.identity(kind, new)
            values = applied(kind, self.resources[kind]["block"], new, identity, number)
            objects.create(kind, identity, values)
        return values

    def update(self, kind: str, new: Values, prior: Values) -> Values:
        values = applied(kind, self.resources[kind]["block"], new, prior["id"], "")
        objects.update(kind, prior["id"], values)
        return values

    def delete(self, kind: str, prior: Values) -> None:
        guard = PROTECTED.get(kind)
        if guard and prior[guard] is not False:
            raise PermissionError(
                f"cannot destroy {prior['id']} without setting {guard}=false and running "
                "`terraform apply`"
            )
        objects.delete(kind, prior["id"])

    def StopProvider(self, request, context):
        return pb.StopProvider.Response()


class Named:
    def full_name(self) -> str:
        return "registry.terraform.io/hashicorp/google"


class ShutdownAlone(tf.runner._ShutdownInterceptor):
    """Shut down at Shutdown alone.

    tf ends at StopProvider, too, by which an interrupted Terraform asks for an end: what is being
    made then would be lost.
    """

    def intercept_service(self, continuation, handler_call_details):
        if handler_call_details.method.endswith("/StopProvider"):
            return continuation(handler_call_details)
        return super().intercept_service(continuation, handler_call_details)


def end_with(parent: int) -> None:
    """A killed Terraform can't stop its providers."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    tf.provider.ProviderServicer = (
        GoogleProvider  # tf builds its own from declared classes; ours come from the schema
    )
    tf.runner._ShutdownInterceptor = ShutdownAlone
    tf.runner.run_provider(Named(), sys.argv)
