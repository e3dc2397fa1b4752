"""Places by keyed hash: uniform, the same for ever, and of one salt independent of those of another."""

import hashlib
import hmac
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from campaigns.buckets import Buckets
from segmentation import pseudonyms
from segmentation.errors import ConfigurationError

# One for all: it takes longer to open than to ask.
DUCKDB = duckdb.connect(config={"threads": 1})

KEY = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def keyed(tmp_path: Path) -> pseudonyms.Pseudonyms:
    (tmp_path / "key").write_bytes(KEY)
    return pseudonyms.load(str(tmp_path / "key"))


def places(keyed: pseudonyms.Pseudonyms, salt: str, customers: int) -> npt.NDArray[np.float64]:
    buckets = Buckets(keyed, salt)
    sql = f"SELECT {Buckets.sql('id')} AS place FROM (SELECT 'c' || range AS id FROM range({customers})) ORDER BY id"
    return np.asarray(DUCKDB.execute(sql, buckets.parameters).fetchnumpy()["place"])


def test_a_place_is_hmac_sha256_as_the_standard_library_computes_it(keyed: pseudonyms.Pseudonyms) -> None:
    with duckdb.connect() as connection:
        for identity in ("c1", "Zoë Ångström", "", "0007", "客户"):
            (place,) = connection.execute(
                f"SELECT {Buckets.sql('CAST(? AS VARCHAR)')}", [*Buckets(keyed, "été").parameters, identity]
            ).fetchall()[0]
            digest = hmac.new(KEY, f"bucket:3:été:{identity}".encode(), hashlib.sha256).hexdigest()
            assert place == int(digest[:13], 16) / 2**52


def test_places_are_uniform_and_below_one(keyed: pseudonyms.Pseudonyms) -> None:
    found = places(keyed, "spring sale", 200_000)
    assert found.min() >= 0
    assert found.max() < 1
    assert stats.kstest(found, "uniform").pvalue > 0.001
    for share in (0.01, 0.1, 0.5):
        assert abs((found < share).mean() - share) < 0.005


def test_salts_are_independent_of_one_another(keyed: pseudonyms.Pseudonyms) -> None:
    """A chi-square test of each of 200 campaigns against the next: p-values as chance would have them."""
    held = [places(keyed, f"campaign {number}", 2_000) < 0.2 for number in range(201)]
    p_values = []
    for one, other in pairwise(held):
        table = np.array([[np.sum(one & other), np.sum(one & ~other)], [np.sum(~one & other), np.sum(~one & ~other)]])
        p_values.append(stats.chi2_contingency(table, correction=False).pvalue)
    assert stats.kstest(p_values, "uniform").pvalue > 0.001
    assert np.mean(np.array(p_values) < 0.05) < 0.1


def test_another_key_makes_other_places(keyed: pseudonyms.Pseudonyms, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(KEY[::-1])
    ours, theirs = (places(which, "x", 5_000) for which in (keyed, pseudonyms.load(str(tmp_path / "other"))))
    assert abs(np.corrcoef(ours, theirs)[0, 1]) < 0.06


@pytest.mark.parametrize("salt", ["", " spring", "spring\n", "spring\x00sale", "s" * 201])
def test_a_name_that_cannot_be_typed_twice_is_refused(keyed: pseudonyms.Pseudonyms, salt: str) -> None:
    with pytest.raises(ConfigurationError, match="divided by"):
        Buckets(keyed, salt)
