"""For compose.yaml, once: a bucket, and a pair of signing keys of which the job alone gets the private half."""

import os
import shutil
from pathlib import Path

import boto3

from training.signing import generate

BUCKET = "models"
JOB, PUBLIC = Path("/keys/job"), Path("/keys/public")
USER = 10001


def main() -> None:
    """Make what is not there yet."""
    store = boto3.Session().client("s3")
    if BUCKET not in [bucket["Name"] for bucket in store.list_buckets()["Buckets"]]:
        store.create_bucket(Bucket=BUCKET)
    if not (JOB / "signing.key").exists():
        generate(JOB)
    for file in JOB.iterdir():
        os.chown(file, USER, USER)
    os.chown(JOB, USER, USER)
    shutil.copyfile(JOB / "signing.pub", PUBLIC / "signing.pub")


if __name__ == "__main__":
    main()
