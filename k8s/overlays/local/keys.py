"""Makes the Secrets of the local overlay, once: run by the Job segmentation-keys, in the service's image.

What is made stands in one Secret, which is created whole or not at all; the others are copies of its parts. So a Job
that was killed half-way, or runs again, makes no key that does not fit another.
"""

import base64
import json
import os
import secrets
import ssl
import sys
import tempfile
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from service import keys

ALL = "segmentation-local-keys"
PARTS = {
    "segmentation-signing-key": ("signing.key",),
    "segmentation-public-key": ("signing.pub",),
    "segmentation-api-keys": ("api-keys.json",),
    "segmentation-api-key": ("api-key",),
    "segmentation-s3-reader": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "segmentation-s3-writer": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "s3-root": ("S3_ACCESS_KEY", "S3_SECRET_KEY"),
}
"""By Secret, its keys."""

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
CREATED, CONFLICT = 201, 409


class Kubernetes:
    """The API server, as the pod's own account sees it.

    Parameters
    ----------
    url
        Of the server.
    account
        Folder of the account's token, namespace and certificate authority.
    """

    def __init__(self, url: str, account: Path = ACCOUNT) -> None:
        namespace = (account / "namespace").read_text(encoding="ascii").strip()
        self._secrets = f"{url}/api/v1/namespaces/{namespace}/secrets"
        self._token = (account / "token").read_text(encoding="ascii").strip()
        secure = url.startswith("https://")
        self._context = ssl.create_default_context(cafile=str(account / "ca.crt")) if secure else None

    def create(self, name: str, content: dict[str, str]) -> bool:
        """Create a Secret.

        Parameters
        ----------
        name, content
            Its name, and text by key.

        Returns
        -------
        bool
            False where there is one of that name; it stays as it is.
        """
        secret = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": name}}
        try:
            self._call(self._secrets, secret | {"stringData": content})
        except HTTPError as error:
            if error.code == CONFLICT:
                return False
            raise
        return True

    def read(self, name: str) -> dict[str, str]:
        """What is in a Secret.

        Parameters
        ----------
        name
            Its name.

        Returns
        -------
        dict
            Text by key.
        """
        data = self._call(f"{self._secrets}/{name}")["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def _call(self, url: str, body: object = None) -> dict[str, dict[str, str]]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = Request(url, content, headers)  # noqa: S310 - the address that Kubernetes gives its pods
        with urlopen(request, timeout=30, context=self._context) as answer:  # noqa: S310
            found: dict[str, dict[str, str]] = json.load(answer)
            return found


def made() -> dict[str, str]:
    """New keys of all kinds, by what their files and variables are called."""
    signing = Ed25519PrivateKey.generate()
    private = signing.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = signing.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "api-keys.json"
        api_key = keys.add(file, "crm", ("predict", "read"))
        known = file.read_text(encoding="utf-8")
    user, password = secrets.token_hex(10), secrets.token_hex(20)
    return {
        "signing.key": private.decode(),
        "signing.pub": public.decode(),
        "api-keys.json": known,
        "api-key": api_key,
        "AWS_ACCESS_KEY_ID": user,
        "AWS_SECRET_ACCESS_KEY": password,
        "S3_ACCESS_KEY": user,
        "S3_SECRET_KEY": password,
    }


def main() -> None:
    """Make what is not there."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    literal = f"[{host}]" if ":" in host else host
    kubernetes = Kubernetes(f"https://{literal}:{port}")
    make(kubernetes)


def make(kubernetes: Kubernetes) -> None:
    """Make the Secrets that are not there.

    Parameters
    ----------
    kubernetes
        Where to.
    """
    kubernetes.create(ALL, made())
    values = kubernetes.read(ALL)
    for name, parts in PARTS.items():
        new = kubernetes.create(name, {part: values[part] for part in parts})
        sys.stdout.write(f"{name} {'made' if new else 'is there'}\n")


if __name__ == "__main__":
    main()
