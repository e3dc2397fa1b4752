"""Requests are known to be whole however they are cut into pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.intake import LONGEST_HEAD, Intake, is_whole

HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\n"
WHOLE = {
    "no body": b"GET / HTTP/1.1\r\n\r\n",
    "length": HEAD + b"content-LENGTH:  11 \r\n\r\n0\r\n\r\nabcdef",
    "empty": HEAD + b"Content-Length: 0\r\n\r\n",
    "chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "trailers": HEAD + b"Transfer-Encoding: Chunked\r\n\r\n5 ;a=b\r\n0\r\n\r\n\r\n0\r\nA: b\r\nC: d\r\n\r\n",
    "both": HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "expects": HEAD + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\nabcd",
}


@pytest.mark.parametrize("name", WHOLE)
@given(cuts=st.sets(st.integers(1, 120), max_size=8))
def test_a_request_is_whole_with_its_last_byte_and_not_before(name: str, cuts: set[int]) -> None:
    content = WHOLE[name]
    edges = [0, *sorted(cut for cut in cuts if cut < len(content)), len(content)]
    parts = [content[start:end] for start, end in pairwise(edges)]
    intake = Intake(100)
    assert [intake.add(part) for part in parts] == [False] * (len(parts) - 1) + [True]
    assert intake.take() == content
    assert len(intake) == 0
    assert [intake.add(part) for part in parts] == [False] * (len(parts) - 1) + [True]


def test_who_waits_for_a_word_is_told_once() -> None:
    head, body = WHOLE["expects"][:-4], WHOLE["expects"][-4:]
    intake = Intake(100)
    assert not intake.add(head[:20])
    assert not intake.wants_word()
    assert not intake.add(head[20:])
    assert [intake.wants_word(), intake.wants_word()] == [True, False]
    assert intake.add(body)
    assert intake.take() == HEAD + b"Content-Length: 4\r\n\r\nabcd"


@pytest.mark.parametrize(
    "content",
    [
        HEAD + b"Content-Length: 101\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"x" * 1000,
        HEAD + b"Transfer-Encoding: fancy\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nnone\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n",
        b"x" * (LONGEST_HEAD + 1),
    ],
)
def test_what_will_be_refused_is_not_waited_for(content: bytes) -> None:
    assert Intake(100).add(content)


@pytest.mark.parametrize("name", sorted({*WHOLE, "canonical", "lower"} - {"both", "trailers"}))
def test_what_is_told_quickly_is_told_rightly(name: str) -> None:
    more = {
        "canonical": HEAD + b"Content-Length: 4\r\n\r\nabcd",
        "lower": HEAD + b"content-length: 4\r\nX: y\r\n\r\nabcd",
    }
    content = (WHOLE | more)[name]
    assert not any(is_whole(content[:length]) for length in range(len(content)))
    # The others take the longer way.
    assert is_whole(content) == (name in ("no body", "empty", "expects", "canonical", "lower"))
    for strange in (b"-1", b"4x", b"9" * 30, b""):
        assert not is_whole(HEAD + b"Content-Length: " + strange + b"\r\n\r\nabcd")
