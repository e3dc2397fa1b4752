"""Files that commands write appear whole, or what was there stays; and nothing that is read is written over."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from segmentation.errors import ConfigurationError, UnreadableFileError
from segmentation.settings import Settings
from segmentation.whole import refuse_input, write_all
from segmentation.workspace import open_workspace


@contextmanager
def no_room(size: int) -> Iterator[None]:
    """No file can grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_where_one_file_cannot_be_written_all_stay_as_they_were(tmp_path: Path) -> None:
    old = {"a.png": b"yesterday", "set/b.png": b"yesterday", "table.json": b"yesterday"}
    write_all(tmp_path, old)
    with no_room(4096), pytest.raises(ConfigurationError, match="cannot be written to"):
        write_all(tmp_path, {"a.png": b"today", "set/b.png": b"today", "table.json": bytes(10_000)})
    there = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert there == old


def test_an_input_is_not_written_over_by_any_name(tmp_path: Path) -> None:
    read, link = tmp_path / "a.csv", tmp_path / "b.csv"
    read.write_text("x")
    link.symlink_to(read)
    refuse_input(tmp_path / "new.csv", [read])
    for out in (read, link, tmp_path / "." / "a.csv"):
        with pytest.raises(ConfigurationError, match="would be written over"):
            refuse_input(out, [read])


def test_a_spill_folder_whose_name_is_not_utf_8_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "b\udce9d"
    folder.mkdir()
    with pytest.raises(UnreadableFileError, match="is not UTF-8"), open_workspace(Settings(spill_dir=str(folder))):
        pass
    assert not list(folder.iterdir())
