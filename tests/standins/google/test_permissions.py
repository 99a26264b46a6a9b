"""A request is told by the permission that Google's documents name for its method."""

import pytest

from tests.standins.google.permissions import permission

VERTEX = "/vertex_ai/v1/projects/p/locations/l"


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("GET", f"{VERTEX}/endpoints/7", "aiplatform.endpoints.get"),
        ("GET", f"{VERTEX}/endpoints?pageSize=1", "aiplatform.endpoints.list"),
        ("POST", f"{VERTEX}/endpoints/7:predict", "aiplatform.endpoints.predict"),
        (
            "POST",
            f"{VERTEX}/metadataStores/default/contexts/c:addContextChildren",
            "aiplatform.contexts.addContextChildren",
        ),
        ("GET", f"{VERTEX}/models/cab@2", "aiplatform.models.get"),
        ("GET", f"{VERTEX}/models/cab:listVersions", "aiplatform.models.list"),
        ("POST", "/logging/v2/entries:write", "logging.logEntries.create"),
        ("GET", "/monitoring/v3/projects/p/timeSeries?filter=x", "monitoring.timeSeries.list"),
        (
            "POST",
            "/cloud_build/v1/projects/p/locations/l/triggers/7:run",
            "cloudbuild.builds.create",
        ),
    ],
)
def test_a_method_takes_the_permission_of_its_page(method, target, expected):
    assert permission(method, target) == expected


def test_a_request_of_an_unknown_product_is_no_permission():
    with pytest.raises(KeyError):
        permission("GET", "/compute/v1/projects/p/networks")
