"""Files that are brought in: nothing of them runs, and what is wrong with them is told."""

import bz2
import gzip
import io
import lzma
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.preprocessing import PowerTransformer, StandardScaler

from segmentation.errors import ForeignPipelineError
from tests.training.notebook import Hostile, digest, dump, k_means, positive, steps
from training.importing import arrays, guest
from training.importing.child import unpacked
from training.importing.described import Described, Refused, Step
from training.importing.guest import opened
from training.importing.unpickler import Unpickler

CUSTOMERS = positive(200, 3)


@pytest.fixture(scope="module")
def fitted() -> Any:
    return steps(StandardScaler()).fit(CUSTOMERS)


def in_joblib(thing: object, **how: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(thing, buffer, **how)
    return buffer.getvalue()


def refusal(content: bytes) -> Refused:
    pipeline, answer = unpacked(content)
    assert isinstance(answer, Refused)
    assert pipeline is None
    return answer


@pytest.mark.parametrize(
    "write",
    [
        in_joblib,
        lambda thing: in_joblib(thing, compress=("zlib", 3)),
        lambda thing: gzip.compress(in_joblib(thing)),
        lambda thing: bz2.compress(in_joblib(thing)),
        lambda thing: lzma.compress(in_joblib(thing)),
        *(lambda thing, p=protocol: pickle.dumps(thing, p) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)),
    ],
)
def test_files_of_joblib_and_pickle_of_every_protocol_are_read(fitted: Any, write: Callable[[Any], bytes]) -> None:
    _, answer = unpacked(write(fitted))
    assert isinstance(answer, Described)
    assert answer.names == list(CUSTOMERS.columns)
    last = answer.pipeline.steps[-1]
    assert isinstance(last, Step)
    np.testing.assert_array_equal(np.array(last.learned["cluster_centers_"]), fitted[-1].cluster_centers_)


def test_a_clustering_alone_is_a_pipeline_of_one_step() -> None:
    pipeline, answer = unpacked(in_joblib(k_means().fit(CUSTOMERS.to_numpy())))
    assert isinstance(answer, Described)
    assert (answer.names, answer.width) == (None, 3)
    assert len(pipeline.steps) == 1


class TheirOwn(StandardScaler):  # type: ignore[misc]
    """A class that only the notebook knows."""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"customer,recency\n1,2\n", "it is no file of pickle or joblib"),
        (b"", "it is no file of pickle or joblib"),
        (in_joblib(steps(StandardScaler()).fit(CUSTOMERS))[:-200], "no file of pickle or joblib, or a broken one"),
        (b"\x1f\x8b broken", "no file of pickle or joblib, or a broken one"),
        (pickle.dumps({"kmeans": k_means()}), "it holds a dict, not a Pipeline"),
        (pickle.dumps(7), "it holds int, not a Pipeline"),
        (pickle.dumps(np.zeros(3)), "it holds numpy.ndarray, not a Pipeline"),
        (pickle.dumps(CUSTOMERS), "it asks for pandas"),
        (in_joblib(steps(PowerTransformer()).fit(CUSTOMERS)), "step 'step0' is sklearn.preprocessing._data.Power"),
        (in_joblib(steps(TheirOwn()).fit(CUSTOMERS)), "step 'step0' is tests.training.test_import_files.TheirOwn"),
        (in_joblib(steps(StandardScaler())), "step 'step0' is not fitted: it has no mean_"),
        (in_joblib(PowerTransformer().fit(CUSTOMERS)), "it holds sklearn.preprocessing._data.PowerTransformer"),
    ],
    ids=range(12),
)  # fmt: skip
def test_a_wrong_file_is_told(content: bytes, said: str) -> None:
    answer = refusal(content)
    assert said in answer.message
    assert answer.hint


def in_a_step(evil: object, fitted: Any) -> object:
    pipeline = steps(StandardScaler()).fit(CUSTOMERS)
    pipeline.steps[0] = ("scale", evil)
    return pipeline


def as_an_attribute(evil: object, fitted: Any) -> object:
    pipeline = steps(StandardScaler()).fit(CUSTOMERS)
    pipeline[0].hidden = evil
    return pipeline


def among_objects(evil: object, fitted: Any) -> object:
    pipeline = steps(StandardScaler()).fit(CUSTOMERS)
    # joblib writes such an array as a pickle within the file.
    pipeline[0].feature_names_in_ = np.array(["a", "b", evil], dtype=object)
    return pipeline


@pytest.mark.parametrize("hidden", [lambda evil, _: evil, in_a_step, as_an_attribute, among_objects])
@pytest.mark.parametrize("write", [in_joblib, pickle.dumps])
def test_a_hostile_file_is_told_and_nothing_of_it_runs(
    tmp_path: Path, fitted: Any, hidden: Callable[[object, Any], object], write: Callable[[object], bytes]
) -> None:
    target = tmp_path / "written"
    content = write(hidden(Hostile(target), fitted))
    answer = refusal(content)
    assert "posix.system" in answer.message
    assert not target.exists()
    # The file is hostile indeed: whoever loads it plainly runs it.
    joblib.load(io.BytesIO(content))
    assert target.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cbuiltins\ngetattr\n(cbuiltins\nobject\nS'__subclasses__'\ntR.",
        b"c__builtin__\nexec\n(S'1'\ntR.",
        b"cnumpy\nf2py.compile\n(S'x'\ntR.",
        b"cnumpy\nload\n(S'/etc/passwd'\ntR.",
        b"csklearn.datasets\nfetch_openml\n(S'x'\ntR.",
        b"cjoblib\nload\n(S'/etc/passwd'\ntR.",
        b"c_codecs\nencode\n(S'x'\nS'idna'\ntR.",
        b"\x80\x04\x8c\x05numpy\x8c\x0bclip.__new__\x93.",
    ],
)
def test_what_no_pipeline_needs_is_not_looked_up(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[str] = []
    monkeypatch.setattr(
        "training.importing.unpickler.import_module",
        lambda name: looked_up.append(name) or sys.modules[name],  # type: ignore[func-returns-value]
    )
    answer = refusal(content)
    assert answer.message
    assert set(looked_up) <= {"builtins", "numpy"}
    assert "/etc/passwd" not in answer.message


@pytest.mark.parametrize("thing", [np.arange(3.0), np.dtype("f8"), np.float64(1), np.clip, StandardScaler, np.ndarray])
def test_no_state_is_set_on_what_is_whole_already(thing: object) -> None:
    """A state for an array would be numpy's own to read, one for a class would change it for all."""
    state = pickle.dumps((None, {"fit": 1}), 2)[2:-1]
    with pytest.raises(pickle.UnpicklingError, match="takes none"):
        Unpickler(pickle.dumps(thing, 2)[:-1] + state + b"b.").load()
    assert StandardScaler.fit != 1


def test_bent_files_are_told_and_crash_nothing(fitted: Any) -> None:
    """numpy's own reading of arrays and types ends the process on a few of these."""
    rng = np.random.default_rng(0)
    for content in (in_joblib(fitted), pickle.dumps(fitted)):
        for _ in range(300):
            bent = bytearray(content)
            for place in rng.integers(0, len(bent), rng.integers(1, 4)):
                bent[place] ^= 1 << int(rng.integers(8))
            _, answer = unpacked(bytes(bent))
            assert isinstance(answer, Described | Refused)


@pytest.mark.parametrize(
    ("shape", "dtype", "content"),
    [((3,), "f8", bytes(16)), ((2**40,), "f8", bytes(8)), ((-1,), "f8", bytes(8)), ((1,), "O", bytes(8))],
)
def test_an_array_that_does_not_fit_its_bytes_is_none(shape: tuple[int, ...], dtype: str, content: bytes) -> None:
    with pytest.raises(pickle.UnpicklingError):
        arrays.frombuffer(content, np.dtype(dtype), shape, "C")


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=np.int32).reshape(2, 3)),
        np.arange(3, dtype=">f4"),
        np.array(["a", "bc"], dtype=object),
        np.array(["a", "bc"]),
        np.array([True, False]),
        np.float64(1.5),
        np.empty(0),
    ],
    ids=range(8),
)
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_arrays_are_what_numpy_would_read(array: Any, protocol: int) -> None:
    once, again = Unpickler(pickle.dumps([array, array], protocol)).load()
    assert once is again
    np.testing.assert_array_equal(once, array)
    assert np.asarray(once).dtype == np.asarray(array).dtype.newbyteorder("=")


def test_a_process_that_has_nothing_of_the_job_gives_the_pipeline_s_own_answers(
    tmp_path: Path, fitted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTATION_SIGNING_KEY_FILE", "/keys/signing.key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    path, trusted = dump(fitted, tmp_path)
    rows = positive(70_000, 3, seed=5)
    with opened(path, trusted) as there:
        proc = Path(f"/proc/{there.process.pid}")
        environment = proc.joinpath("environ").read_bytes().decode().split("\0")
        limits = proc.joinpath("limits").read_text()
        np.testing.assert_array_equal(there.predict(rows.to_numpy()), fitted.predict(rows))
        there.process.kill()
        there.process.wait()
        with pytest.raises(ForeignPipelineError, match="ended without an answer"):
            there.predict(CUSTOMERS.to_numpy())
    assert sorted(each.partition("=")[0] for each in environment if each) == sorted(guest.ENVIRONMENT)
    assert "Max file size             0                    0" in limits


def test_a_file_too_large_for_a_pipeline_is_not_read(
    tmp_path: Path, fitted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, trusted = dump(fitted, tmp_path)
    monkeypatch.setattr(guest, "LARGEST", 10)
    with pytest.raises(ForeignPipelineError, match="more than a fitted Pipeline"), opened(path, trusted):
        pass


def test_a_file_is_opened_only_if_it_is_the_one_meant(tmp_path: Path, fitted: Any) -> None:
    path, trusted = dump(fitted, tmp_path)
    with pytest.raises(ForeignPipelineError, match="nobody has said") as raised, opened(path, None):
        pass
    assert f"--trust {trusted}" in raised.value.hint
    with pytest.raises(ForeignPipelineError, match=f"its SHA-256 is {trusted}, not the one"), opened(path, "0" * 64):
        pass
    with (
        pytest.raises(ForeignPipelineError, match="cannot be read: No such file"),
        opened(tmp_path / "no.pkl", trusted),
    ):
        pass
    with pytest.raises(ForeignPipelineError, match="cannot be read: Is a directory"), opened(tmp_path, trusted):
        pass


def test_the_version_that_fitted_it_is_told(fitted: Any) -> None:
    content = pickle.dumps(fitted)
    version = unpacked(content)[1].here  # type: ignore[union-attr]
    older = content.replace(version.encode(), b"1.5.0")
    _, answer = unpacked(older)
    assert isinstance(answer, Described)
    assert (answer.made_by, answer.here) == ("1.5.0", version)
    assert unpacked(content)[1].made_by == version  # type: ignore[union-attr]


def test_modules_that_moved_since_are_found_where_they_are(fitted: Any) -> None:
    old = pickle.dumps(fitted, 2).replace(b"sklearn.preprocessing._data", b"sklearn.preprocessing.data")
    old = old.replace(b"sklearn.cluster._kmeans", b"sklearn.cluster.k_means_").replace(b"numpy._core", b"numpy.core")
    assert isinstance(unpacked(old)[1], Described)


def test_strangers_do_nothing_whatever_is_done_to_them() -> None:
    unpickler = Unpickler(b"")
    stranger = unpickler.find_class("os", "system")("touch /tmp/x")
    stranger.__setstate__({"a": 1})
    stranger["a"] = 1
    stranger.append(1)
    stranger.extend([1])
    stranger.add(1)
    assert stranger("again") is stranger
    assert vars(stranger) == {}
    assert list(unpickler.strangers) == ["os.system"]


def test_digest_is_that_of_sha256sum(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert digest(path).startswith("ba7816bf8f01cfea")
