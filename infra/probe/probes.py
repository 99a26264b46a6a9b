"""The probes: assumptions about Google Cloud, confirmed by no document.

docs/google.md has the same list as a table, for the answers that a team has seen.
"""

from functools import partial

from infra.probe import account_calls, images, request_log, triggers
from infra.probe.answer import Probe

SERVED = (
    "two endpoints with one {machine_type} each and two log tables, for about an hour, "
    "of which Google bills the machines"
)
TRIGGER = "a topic, a trigger and a build that waits for an approval, for some minutes"

PROBES = (
    Probe(
        "log-partitioned",
        "Vertex's log table is partitioned by time",
        "its rows outlive `retention_days`: the monitor has to delete them by a dated DELETE",
        request_log.partitioned,
    ),
    *(
        Probe(
            f"{account}-calls",
            f"the {account} account may do each call that the recipes make",
            "the first delivery ends at the call that is named",
            partial(account_calls.allowed, account=account),
        )
        for account in ("builder", "pipeline", "server")
    ),
    Probe(
        "monitor-calls",
        "the monitor account may do each call of its recipe",
        "the next morning ends without a verdict, at the call that is named",
        partial(account_calls.allowed, account="monitor"),
    ),
    Probe(
        "untagged-image",
        "an untagged image can be deleted where tags are immutable",
        "immutable tags would keep every image: tags have to stay mutable",
        images.untagged_deletion,
        makes="an image repository with an image of some bytes, for a minute",
    ),
    Probe(
        "message-recipe",
        "a trigger on messages reads its recipe from the branch that it names",
        "a promotion or a retraining runs another recipe, or none",
        triggers.named_branch,
        makes=TRIGGER,
    ),
    Probe(
        "message-recipe-without-revision",
        "a trigger on messages that names no revision is refused",
        "the revision could be left out, and the stand-in refuses what Google takes",
        triggers.no_revision,
        makes=TRIGGER,
    ),
    Probe(
        "log-table-made-before",
        "Vertex logs to a table that was made before, of the same columns",
        "no stack may make the log table, whatever its partitions",
        request_log.takes_older_table,
        makes=SERVED,
        billed=True,
    ),
    Probe(
        "log-errors",
        "a request that is answered with an error is not logged",
        "the log has rows without predictions: the profile has to leave them out",
        request_log.logs_no_errors,
        makes=SERVED,
        billed=True,
    ),
    Probe(
        "log-request-id",
        "request_id is another one in each row",
        "rows can't be told apart by it: a row that came twice is counted twice",
        request_log.has_unique_ids,
        makes=SERVED,
        billed=True,
    ),
    Probe(
        "log-row-key",
        "the reserved field `_key` of an instance is logged as it was sent",
        "smoke tests count as traffic, and labels do not find their requests",
        request_log.logs_row_keys,
        makes=SERVED,
        billed=True,
    ),
    Probe(
        "log-parameters",
        "`parameters`, beside the instances of a request, are not logged",
        "each payload holds them: the view has to leave them out",
        request_log.logs_no_parameters,
        makes=SERVED,
        billed=True,
    ),
    Probe(
        "log-delay",
        "a row is in the log within ten minutes of its request",
        "the monitor has to wait longer after midnight before it counts the day",
        request_log.logs_in_time,
        makes=SERVED,
        billed=True,
    ),
)
