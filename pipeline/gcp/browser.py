"""The addresses where a signed-in browser reads what lies in a stage's artifacts bucket."""

from pipeline.gcp.stage import Stage

# cloud.google.com/storage/docs/request-endpoints#cookieauth
HOST = "https://storage.cloud.google.com"


def address(stage: Stage, name: str) -> str:
    """The address of an object by its name in the bucket."""
    return f"{HOST}/{stage.names.bucket('artifacts')}/{name}"
