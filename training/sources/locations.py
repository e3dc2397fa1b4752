"""--data to local files: a file, a folder, a glob, or the same in S3; other encodings are brought to UTF-8."""

import codecs
import shutil
from collections.abc import Sequence
from fnmatch import fnmatchcase
from glob import glob, has_magic
from pathlib import Path

import boto3
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from segmentation.errors import (
    EmptyTableError,
    MissingTableError,
    SourceError,
    UnreadableFileError,
)
from segmentation.file_names import refuse_name
from segmentation.registry.s3 import failure
from training import progress
from training.sources.checks import open_bytes, refuse_damaged

CSV = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
PARQUET = (".parquet",)
ENDINGS = (*CSV, *PARQUET)
S3 = "s3://"
CHUNK = 1 << 20


def files(data: str, pattern: str, scratch: Path) -> list[Path]:
    """The files that --data means, in the order of their names.

    Parameters
    ----------
    data
        A file, a folder, a glob, or s3:// followed by a key, a prefix ending in / or a glob.
    pattern
        Which files of a folder are read.
    scratch
        Where files of S3 are downloaded to.

    Returns
    -------
    list of Path
        Local files, all CSV or all Parquet.

    Raises
    ------
    SourceError
        There are none, or of both kinds.
    StoreAccessError, StoreUnavailableError
        S3 refuses, or does not answer.
    """
    found = _download(data, pattern, scratch) if data.startswith(S3) else _local(data, pattern)
    for path in found:
        refuse_name(path)
    kinds = {path.name.lower().endswith(PARQUET) for path in found}
    if len(kinds) > 1:
        raise SourceError(f"{data} has both CSV and Parquet files", hint="name the files of one kind, such as *.csv")
    return found


def folder_of(data: str, scratch: Path) -> Path:
    """A folder of tables: itself, or what an S3 prefix holds, downloaded.

    Parameters
    ----------
    data
        A local folder, or s3://bucket/prefix.
    scratch
        Where files of S3 are downloaded to.

    Returns
    -------
    Path
        A local folder.

    Raises
    ------
    SourceError, StoreAccessError, StoreUnavailableError
        As for `files`.
    """
    if not data.startswith(S3):
        return Path(data)
    folder = scratch / "tables"
    folder.mkdir()
    for path in _download(data, "*", scratch):
        path.rename(folder / path.name)
    return folder


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet, by its name."""
    return path.name.lower().endswith(PARQUET)


def utf8(path: Path, encoding: str, scratch: Path) -> Path:
    """A text file in UTF-8: itself, or a copy of it.

    Parameters
    ----------
    path, encoding
        The file and the encoding it is in.
    scratch
        Where a copy is put.

    Returns
    -------
    Path
        A file of the same lines; of the same name if it is a copy.

    Raises
    ------
    UnreadableFileError
        The file is in another encoding.
    """
    if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii"):
        return path
    refuse_damaged(path)
    folder = scratch / f"utf8-{len(list(scratch.iterdir()))}"
    folder.mkdir()
    copy = folder / path.name.removesuffix(".gz")
    try:
        with (
            progress.step(f"converting {path.name} to UTF-8"),
            open_bytes(path) as file,
            copy.open("w", encoding="utf-8", newline="") as out,
        ):
            reader = codecs.getreader(encoding)(file)
            shutil.copyfileobj(reader, out, CHUNK)
    except UnicodeError as error:
        raise UnreadableFileError(
            f"{path.name} is not {encoding}: {getattr(error, 'reason', error)}", hint="set file.encoding of the mapping"
        ) from error
    return copy


def _local(data: str, pattern: str) -> list[Path]:
    place = Path(data)
    if place.is_dir():
        try:
            inside = sorted(path for path in place.iterdir() if path.is_file())
        except OSError as error:
            raise SourceError(f"{data} cannot be read: {error.strerror}", hint="check its permissions") from error
        found = [path for path in inside if fnmatchcase(path.name, pattern) and _readable(path.name)]
        if not found:
            raise EmptyTableError(f"{data} holds no {_wanted(pattern)}", hint=_there_is([path.name for path in inside]))
        return found
    if place.exists():
        if not _readable(place.name):
            raise SourceError(f"{place.name} is of no kind that is read", hint=f"files end in {', '.join(ENDINGS)}")
        return [place]
    if has_magic(data):
        found = sorted(path for path in map(Path, glob(data)) if path.is_file())  # noqa: PTH207 - absolute ones too
        if not found:
            raise MissingTableError(f"no file is called {data}", hint="check the pattern; quote it for the shell")
        strange = [path.name for path in found if not _readable(path.name)]
        if strange:
            raise SourceError(f"{strange[0]} is of no kind that is read", hint=f"files end in {', '.join(ENDINGS)}")
        return found
    raise MissingTableError(f"{data} does not exist", hint="--data takes a file, a folder or a quoted pattern")


def _download(data: str, pattern: str, scratch: Path) -> list[Path]:
    bucket, _, key = data.removeprefix(S3).partition("/")
    prefix = key.split("*")[0].split("?")[0].split("[")[0]
    try:
        client = boto3.Session().client("s3")
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        there = sorted(entry["Key"] for page in pages for entry in page.get("Contents", ()))
        wanted = [name for name in there if _means(name, key, pattern)]
        if not wanted:
            raise MissingTableError(f"{data} names no file that is read", hint=_there_is(there))
        folder = scratch / "s3"
        folder.mkdir(exist_ok=True)
        found = []
        for number, name in enumerate(wanted):
            # Numbered: two keys may end in one name.
            target = folder / str(number) / name.rpartition("/")[2]
            target.parent.mkdir()
            with progress.step(f"downloading {target.name}"):
                client.download_file(bucket, name, str(target))
            found.append(target)
    except (ClientError, BotoCoreError, Boto3Error) as error:
        raise failure(data, error) from error
    return found


def _means(name: str, key: str, pattern: str) -> bool:
    if not _readable(name):
        return False
    if has_magic(key):
        return fnmatchcase(name, key) and name.count("/") == key.count("/")
    if name == key:
        return True
    folder = f"{key.rstrip('/')}/" if key else ""
    rest = name.removeprefix(folder)
    return name.startswith(folder) and "/" not in rest and fnmatchcase(rest, pattern)


def _readable(name: str) -> bool:
    return name.lower().endswith(ENDINGS) and not name.rpartition("/")[2].startswith(".")


def _wanted(pattern: str) -> str:
    return "CSV or Parquet file" if pattern == "*" else f"file called {pattern}"


def _there_is(names: Sequence[str]) -> str:
    return f"it has {', '.join(names[:10])}{', …' if len(names) > 10 else ''}" if names else "it is empty"
