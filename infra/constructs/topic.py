"""A Pub/Sub topic and the grants on it.

A grant lets others publish to it.
"""

from cdktf_cdktf_provider_google.pubsub_topic import PubsubTopic
from cdktf_cdktf_provider_google.pubsub_topic_iam_member import PubsubTopicIamMember
from constructs import Construct

from infra.constructs.grants import Principal, grant_id


class Topic(Construct):
    """A topic; it keeps its messages for a day.

    It can send them again to a reader that lost them.
    """

    def __init__(self, scope: Construct, id_: str, *, name: str) -> None:
        super().__init__(scope, id_)
        self.resource = PubsubTopic(
            self, "Resource", name=name, message_retention_duration="86400s"
        )

    def grant(self, role: str, *, to: str | Principal) -> None:
        """Let the principal `to` act on this topic."""
        principal = Principal.of(to)
        PubsubTopicIamMember(
            self,
            grant_id(role, principal),
            topic=self.resource.name,
            role=role,
            member=principal.member,
        )
