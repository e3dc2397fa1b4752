"""A model is proved in a child process: what went wrong there is told here, and nothing of it stays."""

import os
import signal
import sys

import pytest

from segmentation.errors import GoldenMismatchError
from service import apart as child
from service.apart import apart


def test_what_is_done_apart_leaves_nothing_behind() -> None:
    done: list[int] = []
    apart(lambda: done.append(1))
    assert done == []


def test_an_error_of_the_model_comes_back_as_it_was() -> None:
    def fail() -> None:
        raise GoldenMismatchError("golden row 3 comes out otherwise", hint="publish the model again")

    with pytest.raises(GoldenMismatchError) as told:
        apart(fail)
    assert (told.value.message, told.value.hint) == ("golden row 3 comes out otherwise", "publish the model again")


@pytest.mark.parametrize(
    "end", [lambda: os.kill(os.getpid(), signal.SIGKILL), lambda: os.kill(os.getpid(), signal.SIGTERM), sys.exit]
)
def test_a_child_that_ends_without_a_word_is_no_proof(end: object) -> None:
    with pytest.raises(RuntimeError, match="without a word"):
        apart(end)  # type: ignore[arg-type]


def test_a_child_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "LONGEST_SECONDS", 0.2)
    with pytest.raises(RuntimeError, match="-9"):
        apart(signal.pause)
