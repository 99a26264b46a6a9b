"""What no document of Google's answers: the stand-in can do either.

Its defaults are what `infra/probe` assumes; docs/google.md lists the questions.
"""

from dataclasses import dataclass


@dataclass
class Unknowns:
    """A test sets the other answer."""

    log_is_partitioned: bool = True  # of a table that Vertex makes
    takes_older_table: bool = True  # as its log table, made by somebody else
    logs_errors: bool = False
    logs_row_keys: bool = True
    logs_parameters: bool = False
    unique_request_ids: bool = True
    log_delay_seconds: float = 0
    deletes_untagged_images: bool = True  # where tags are immutable
    reads_named_branch: bool = True  # a trigger on messages, its recipe
    keeps_subscriptions: bool = False  # of a deleted trigger on messages
    refuses_missing_revision: bool = True  # of such a trigger's recipe
    # 1,000 says google-cloud-aiplatform 1.165.1 (ListContextsRequest), and 100 says
    # docs.cloud.google.com/gemini-enterprise-agent-platform/reference/rest/v1/
    # projects.locations.metadataStores.contexts/list
    largest_metadata_page: int = 1000
