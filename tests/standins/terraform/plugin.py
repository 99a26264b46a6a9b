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
from tests.standins.terraform import vertex as vertex
from tests.standins.terraform.values import Block, Values, applied, planned

SCHEMA = Path(__file__).with_name("google-6.50.0.json.gz")
NESTING = {"single": 1, "list": 2, "set": 3, "map": 4, "group": 5}
FLAGS = ("optional", "required", "computed", "sensitive")  # of an attribute
PROTECTED = {
    "google_bigquery_table": "deletion_protection"
}  # true unless the configuration says false


def unpacked(value: Any) -> Values | None:
    if not value.msgpack:
        return None
    return msgpack.unpackb(value.msgpack, raw=False, strict_map_key=False)


def packed(values: Values | None) -> Any:
    content = msgpack.packb(values)
    return pb.DynamicValue(msgpack=content)


def schema_of(recorded: Block) -> Any:
    version = recorded.get("version", 0)
    block = block_of(recorded["block"])
    return pb.Schema(version=version, block=block)


def block_of(block: Block) -> Any:
    attributes = block.get("attributes", {})
    nested = block.get("block_types", {})
    return pb.Schema.Block(
        attributes=[attribute_of(name, recorded) for name, recorded in attributes.items()],
        block_types=[nested_block_of(name, recorded) for name, recorded in nested.items()],
    )


def attribute_of(name: str, recorded: Block) -> Any:
    kind = json.dumps(recorded["type"])
    flags = {flag: recorded[flag] for flag in FLAGS if flag in recorded}
    return pb.Schema.Attribute(name=name, type=kind.encode(), **flags)


def nested_block_of(name: str, recorded: Block) -> Any:
    mode = recorded["nesting_mode"]
    return pb.Schema.NestedBlock(
        type_name=name,
        block=block_of(recorded["block"]),
        nesting=NESTING[mode],
        min_items=recorded.get("min_items", 0),
        max_items=recorded.get("max_items", 0),
    )


def recorded_schema() -> Block:
    """The provider's own schema, and those of its resources."""
    content = gzip.decompress(SCHEMA.read_bytes())
    schemas = json.loads(content)["provider_schemas"]
    [schema] = schemas.values()
    return schema


def refusal(summary: str) -> Any:
    return pb.Diagnostic(severity=pb.Diagnostic.ERROR, summary=summary)


class GoogleProvider(rpc.ProviderServicer):
    def __init__(self, _: object) -> None:
        recorded = recorded_schema()
        self.resources: dict[str, Block] = recorded["resource_schemas"]
        self.own: Block = recorded["provider"]
        self.configured: Values = {}
        self.naming = threading.Lock()  # Terraform applies ten at a time

    def block(self, kind: str) -> Block:
        schema = self.resources[kind]
        return schema["block"]

    def GetMetadata(self, request, context):
        resources = [pb.GetMetadata.ResourceMetadata(type_name=kind) for kind in self.resources]
        capabilities = pb.ServerCapabilities(plan_destroy=True)
        return pb.GetMetadata.Response(server_capabilities=capabilities, resources=resources)

    def GetProviderSchema(self, request, context):
        resources = {kind: schema_of(recorded) for kind, recorded in self.resources.items()}
        provider = schema_of(self.own)
        return pb.GetProviderSchema.Response(provider=provider, resource_schemas=resources)

    def ValidateProviderConfig(self, request, context):
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request, context):
        return pb.ValidateResourceConfig.Response()

    def ConfigureProvider(self, request, context):
        self.configured = unpacked(request.config) or {}
        return pb.ConfigureProvider.Response()

    def UpgradeResourceState(self, request, context):
        state = json.loads(request.raw_state.json)
        return pb.UpgradeResourceState.Response(upgraded_state=packed(state))

    def ReadResource(self, request, context):
        state = unpacked(request.current_state)
        values = objects.read(request.type_name, state["id"])
        return pb.ReadResource.Response(new_state=packed(values))

    def PlanResourceChange(self, request, context):
        proposed = unpacked(request.proposed_new_state)
        prior = unpacked(request.prior_state)
        if proposed is not None:
            block = self.block(request.type_name)
            proposed = planned(block, proposed, prior, self.configured)
        return pb.PlanResourceChange.Response(planned_state=packed(proposed))

    def ApplyResourceChange(self, request, context):
        kind = request.type_name
        new = unpacked(request.planned_state)
        prior = unpacked(request.prior_state)
        try:
            state = self.apply(kind, new, prior)
        except (objects.AlreadyThereError, PermissionError) as error:
            diagnostic = refusal(f"Error applying {kind}: {error}")
            return pb.ApplyResourceChange.Response(
                new_state=packed(prior), diagnostics=[diagnostic]
            )
        return pb.ApplyResourceChange.Response(new_state=packed(state))

    def apply(self, kind: str, new: Values | None, prior: Values | None) -> Values | None:
        """The state of a resource after its change; None if it is deleted."""
        if prior is None:
            return self.create(kind, new)
        if new:
            return self.update(kind, new, prior)
        self.delete(kind, prior)
        return None

    def create(self, kind: str, new: Values) -> Values:
        seconds = float(os.environ.get("ESTEIRA_STANDIN_SECONDS", "0"))
        time.sleep(seconds)
        block = self.block(kind)
        with self.naming:
            identity, number = objects.identity(kind, new)
            values = applied(kind, block, new, identity, number)
            objects.create(kind, identity, values)
        if kind == vertex.ENDPOINT:
            vertex.make(identity, values)
        return values

    def update(self, kind: str, new: Values, prior: Values) -> Values:
        identity = prior["id"]
        block = self.block(kind)
        values = applied(kind, block, new, identity, "")
        objects.update(kind, identity, values)
        return values

    def delete(self, kind: str, prior: Values) -> None:
        identity = prior["id"]
        guard = PROTECTED.get(kind)
        if guard and prior[guard] is not False:
            raise PermissionError(
                f"cannot destroy {identity} without setting {guard}=false and running "
                "`terraform apply`"
            )
        if kind == vertex.ENDPOINT:
            vertex.remove(identity)
        objects.delete(kind, identity)

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
        method = handler_call_details.method
        if method.endswith("/StopProvider"):
            return continuation(handler_call_details)
        return super().intercept_service(continuation, handler_call_details)


def end_with(parent: int) -> None:
    """A killed Terraform can't stop its providers."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    parent = os.getppid()
    threading.Thread(target=end_with, args=(parent,), daemon=True).start()
    # tf builds its own from declared classes; ours come from the schema.
    tf.provider.ProviderServicer = GoogleProvider
    tf.runner._ShutdownInterceptor = ShutdownAlone
    tf.runner.run_provider(Named(), sys.argv)
