"""Ask Google's APIs as the person who would deploy.

It takes the credentials that Terraform would take, and asks at the addresses where it would ask.
"""

import json
import os
import re
import threading
import urllib.parse

from infra.doctor.finding import Finding, NotAskedError, missing, ok
from infra.doctor.machine import last_line, run
from infra.doctor.rest import Body, Rest, accepted

TOKEN = "GOOGLE_OAUTH_ACCESS_TOKEN"
LOGIN = "gcloud auth application-default login"
NONE = "without credentials Google can't be asked"
# By the provider's names of its products: GOOGLE_<PRODUCT>_CUSTOM_ENDPOINT points each elsewhere.
# (The provider asks no OAUTH2; tests do.)
ADDRESSES = {
    "artifact_registry": "https://artifactregistry.googleapis.com/v1/",
    "big_query": "https://bigquery.googleapis.com/bigquery/v2/",
    "cloud_billing": "https://cloudbilling.googleapis.com/v1/",
    "compute": "https://compute.googleapis.com/compute/v1/",
    "cloud_build": "https://cloudbuild.googleapis.com/v1/",
    "cloudbuildv2": "https://cloudbuild.googleapis.com/v2/",
    "iam": "https://iam.googleapis.com/v1/",
    "iam_credentials": "https://iamcredentials.googleapis.com/v1/",
    "oauth2": "https://oauth2.googleapis.com/",
    "pubsub": "https://pubsub.googleapis.com/v1/",
    "resource_manager": "https://cloudresourcemanager.googleapis.com/v1/",
    "secret_manager": "https://secretmanager.googleapis.com/v1/",
    "service_usage": "https://serviceusage.googleapis.com/v1/",
    "storage": "https://storage.googleapis.com/storage/v1/",
    "vertex_ai": "https://{region}-aiplatform.googleapis.com/v1/",
}


SCOPE = "https://www.googleapis.com/auth/cloud-platform"
LIFETIME_SECONDS = 300
TOKEN_CREATOR = "roles/iam.serviceAccountTokenCreator"


class Google:
    """Google's APIs, asked by the credentials' account or by a service account in its place."""

    def __init__(self, rest: Rest, *, region: str = "", service_account: str = "") -> None:
        self._rest, self._region, self._turn = rest, region, threading.Lock()
        self._service_account = service_account
        # Cached, refusals too: gcloud is slow.
        self._token: str | NotAskedError | None = None

    def ask(
        self, product: str, path: str, body: Body | None = None, *, method: str = ""
    ) -> Body | None:
        """Return the document at `path`, or None; POST if there is a body and no other method."""
        url = self._address(product) + path
        send = None if body is None else json.dumps(body).encode()
        try:
            token = self.token()
        except NotAskedError:
            # The row of the credentials says why, and what fixes it.
            raise NotAskedError(NONE) from None
        status, answer = self._rest.ask(url, token=token, send=send, method=method)
        return accepted(url, status, answer)

    def listing(self, product: str, path: str, field: str) -> list[Body]:
        """Return the entries of a whole collection; a missing one has none.

        A page may be empty and another follow: only a missing token ends it
        (https://google.aip.dev/158).
        """
        entries: list[Body] = []
        separator = "&" if "?" in path else "?"
        page_path = path
        while True:
            page = self.ask(product, page_path) or {}
            entries += page.get(field, [])
            token = page.get("nextPageToken", "")
            if not token:
                return entries
            page_path = f"{path}{separator}pageToken={urllib.parse.quote(token, safe='')}"

    def account(self) -> str:
        """Return the email of the credentials' account, or an empty text.

        It is empty where Google doesn't say. Raises ValueError where Google does not accept the
        credentials.
        """
        token = self.token()
        return self._account_of(token)

    def _account_of(self, token: str) -> str:
        url = self._address("oauth2") + "tokeninfo"
        form = urllib.parse.urlencode({"access_token": token})
        send = form.encode()
        status, body = self._rest.ask(url, send=send, kind="application/x-www-form-urlencoded")
        if status in (400, 401):
            raise ValueError("Google does not accept the access token, which may have ended")
        answer = accepted(url, status, body) or {}
        email = answer.get("email", "")
        return str(email)

    def token(self) -> str:
        with self._turn:
            if self._token is None:
                try:
                    self._token = self._new_token()
                except NotAskedError as error:
                    self._token = error
        if isinstance(self._token, NotAskedError):
            raise self._token
        return self._token

    def _new_token(self) -> str:
        own_token = os.environ.get(TOKEN) or _application_default()
        email = self._service_account
        if not email:
            return own_token
        try:
            account = self._account_of(own_token)
        except ValueError as error:
            raise NotAskedError(str(error), LOGIN) from None
        if account == email:
            return own_token
        return self._token_of(email, own_token)

    def _token_of(self, email: str, own_token: str) -> str:
        """Return a token of a service account's, without a key.

        https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
        """
        url = f"{self._address('iam_credentials')}projects/-/serviceAccounts/{email}"
        question = {"scope": [SCOPE], "lifetime": f"{LIFETIME_SECONDS}s"}
        send = json.dumps(question).encode()
        status, body = self._rest.ask(f"{url}:generateAccessToken", token=own_token, send=send)
        if status == 403:
            account = self._account_of(own_token)
            kind = "serviceAccount" if account.endswith(".gserviceaccount.com") else "user"
            command = (
                f"gcloud iam service-accounts add-iam-policy-binding {email} "
                f"--member={kind}:{account} --role={TOKEN_CREATOR}"
            )
            raise NotAskedError(f"{account} may not take the place of {email}", command)
        answer = accepted(url, status, body)
        if answer is None:
            raise NotAskedError(f"there is no {email}")
        token: str = answer["accessToken"]
        return token

    def _address(self, product: str) -> str:
        override = os.environ.get(f"GOOGLE_{product.upper()}_CUSTOM_ENDPOINT")
        address = override or ADDRESSES[product].format(region=self._region)
        return address.rstrip("/") + "/"


def _application_default() -> str:
    result = run("gcloud", "auth", "application-default", "print-access-token")
    if result is None:
        raise NotAskedError(f"{NONE}, and gcloud, which has them, is not on the PATH")
    if result.returncode == 0:
        return result.stdout.strip()
    if "not found" in result.stderr:
        raise NotAskedError(NONE, LOGIN)
    expiry = re.search("invalid_grant|reauth", result.stderr, re.IGNORECASE)
    remedy = LOGIN if expiry else ""
    reason = last_line(result.stderr)
    raise NotAskedError(f"gcloud gives no access token: {reason}", remedy)


def credentials(subject: str, *, google: Google) -> Finding:
    """Look for credentials, and name their account."""
    source = TOKEN if os.environ.get(TOKEN) else "application default credentials"
    try:
        account = google.account()
    except NotAskedError as error:
        if error.mend:
            return missing(subject, "there are none that Google accepts", error.mend)
        raise
    except ValueError as error:
        command = LOGIN
        if source == TOKEN:
            command = f"export {TOKEN}=$(gcloud auth print-access-token)"
        return missing(subject, f"{error} ({source})", command)
    name = account or "an account that Google does not name"
    return ok(subject, f"{name} ({source})")
