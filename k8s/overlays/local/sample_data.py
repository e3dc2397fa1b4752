"""Puts a generated shop's orders into a bucket: run by the Job segmentation-sample-data, in the training image."""

import sys
from io import BytesIO
from urllib.parse import urlsplit

import boto3

from training.sources.sample import generate

CUSTOMERS, SEED = 6_000, 7


def main(place: str) -> None:
    """Make the bucket if need be, and write the orders into it.

    Parameters
    ----------
    place
        s3://bucket/prefix/
    """
    parts = urlsplit(place)
    client = boto3.client("s3")
    # The server makes it in its own region, and says nothing where it is there.
    if parts.netloc not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=parts.netloc)
    file = BytesIO()
    generate(CUSTOMERS, SEED).to_parquet(file, index=False)
    name = f"{parts.path.strip('/')}/orders.parquet"
    client.put_object(Bucket=parts.netloc, Key=name, Body=file.getvalue())
    sys.stdout.write(f"{CUSTOMERS:,} customers' orders are in s3://{parts.netloc}/{name}\n")


if __name__ == "__main__":
    main(sys.argv[1])
