"""Compute Engine's own forms: verbs behind a slash, global resources, and its operations.

https://cloud.google.com/compute/docs/reference/rest/v1
"""

import dataclasses

from tests.standins.google.store import Body, Call

VERBS = ("getIamPolicy", "setIamPolicy", "testIamPermissions")


def uniform(call: Call) -> Call:
    """The request as other products spell it: a verb behind a colon, a location in every name."""
    path = call.path.replace("/global/", "/locations/global/")
    start, _, end = path.rpartition("/")
    if end in VERBS:
        return dataclasses.replace(call, path=start, verb=end)
    return dataclasses.replace(call, path=path)


def operation(name: str) -> Body:
    """A finished operation of Compute Engine's own kind, not google.longrunning's."""
    link = f"https://www.googleapis.com/compute/v1/{name}"
    id_ = name.rpartition("/")[2]
    return {"kind": "compute#operation", "name": id_, "status": "DONE", "selfLink": link}
