"""The records of W&B's offline files that an import reads, with the numbers of their fields.

Taken from wandb 0.31.0; https://github.com/wandb/wandb has them in
wandb/proto/wandb_internal.proto. Fields that are not named here are left out.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

FIELD = descriptor_pb2.FieldDescriptorProto
TEXT, WHOLE, SMALL, MESSAGE = (
    FIELD.TYPE_STRING,
    FIELD.TYPE_INT64,
    FIELD.TYPE_INT32,
    FIELD.TYPE_MESSAGE,
)
PACKAGE = "esteira_standin"
ITEM = [("key", 1, TEXT), ("*nested_key", 2, TEXT), ("value_json", 16, TEXT)]
RECORD = [
    ("history", 2, "HistoryRecord"),
    ("summary", 3, "SummaryRecord"),
    ("config", 5, "ConfigRecord"),
    ("telemetry", 11, "TelemetryRecord"),
    ("run", 17, "RunRecord"),
    ("exit", 18, "RunExitRecord"),
]
MESSAGES = {
    "Item": ITEM,
    "ConfigRecord": [("*update", 1, "Item")],
    "SummaryRecord": [("*update", 1, "Item")],
    "HistoryStep": [("num", 1, WHOLE)],
    "HistoryRecord": [("*item", 1, "Item"), ("step", 2, "HistoryStep")],
    "TelemetryRecord": [],
    "RunExitRecord": [("exit_code", 1, SMALL), ("runtime", 2, SMALL)],
    "RunRecord": [
        ("run_id", 1, TEXT),
        ("entity", 2, TEXT),
        ("project", 3, TEXT),
        ("config", 4, "ConfigRecord"),
        ("run_group", 6, TEXT),
        ("display_name", 8, TEXT),
        ("notes", 9, TEXT),
        ("*tags", 10, TEXT),
        ("host", 13, TEXT),
        ("start_time", 17, timestamp_pb2.Timestamp.DESCRIPTOR.full_name),
    ],
    "Record": RECORD,
}


def _file():
    file = descriptor_pb2.FileDescriptorProto(name="standin.proto", package=PACKAGE)
    file.syntax = "proto3"
    file.dependency.append(timestamp_pb2.DESCRIPTOR.name)
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        if name == "Record":
            message.oneof_decl.add(name="record_type")
        for field_name, number, kind in fields:
            _add(message, field_name, number, kind)
    return file


def _add(message, name, number, kind):
    field = message.field.add(name=name.removeprefix("*"), number=number)
    field.label = FIELD.LABEL_REPEATED if name.startswith("*") else FIELD.LABEL_OPTIONAL
    field.type = MESSAGE if isinstance(kind, str) else kind
    if isinstance(kind, str):
        field.type_name = f".{kind}" if "." in kind else f".{PACKAGE}.{kind}"
    if message.name == "Record":
        field.oneof_index = 0


_pool = descriptor_pool.DescriptorPool()
_pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
_pool.AddSerializedFile(_file().SerializeToString())
Record = message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{PACKAGE}.Record"))
