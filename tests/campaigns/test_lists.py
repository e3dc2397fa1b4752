"""Lists for a CRM: nobody who did not agree, nobody suppressed, and a hold-out that stays what it is."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.campaigns.exporting import campaigns

CUSTOMERS = 200_000


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("keys") / "customer.key"
    file.write_text("0123456789abcdef0123456789abcdef\n")
    return str(file)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200,000 customers in three segments; of every ten, one did not agree, one said nothing, one is unknown."""
    folder = tmp_path_factory.mktemp("base")
    with duckdb.connect() as connection:
        connection.execute(
            f"""COPY (SELECT 'c' || number AS customer_id, CAST(number % 3 AS INTEGER) AS segment_id,
            ['Loyal', 'New', 'Lost'][number % 3 + 1] AS segment_name, 0.5 AS confidence,
            '20260101T000000Z-00000000' AS model_version, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS as_of
            FROM range({CUSTOMERS}) numbers(number)) TO '{folder}/segments.parquet' (FORMAT parquet)"""
        )
        connection.execute(
            f"""COPY (SELECT 'c' || number AS id,
            CASE number % 10 WHEN 0 THEN 'No' WHEN 1 THEN '' ELSE ' YES' END AS mail
            FROM range({CUSTOMERS}) numbers(number) WHERE number % 10 <> 2)
            TO '{folder}/customers.csv' (FORMAT csv, HEADER)"""
        )
    (folder / "complaints.txt").write_text("".join(f"  c{number}\n" for number in range(0, CUSTOMERS, 13)))
    (folder / "others.txt").write_text("x1\n")
    return folder


def lists(base: Path, out: Path, *more: str, **variables: str) -> Any:
    return campaigns(
        "lists", "--assignments", str(base / "segments.parquet"), "--customers", str(base / "customers.csv"),
        "--consent", "mail", "--id", "id", "--out", str(out), *more, **variables,
    )  # fmt: skip


def read(folder: Path, pattern: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT customer_id, segment_id FROM '{folder}/{pattern}'").fetchall()


def test_nobody_is_listed_who_did_not_agree_or_is_suppressed(base: Path, tmp_path: Path, key: str) -> None:
    done = lists(
        base, tmp_path / "out", "--suppress", str(base / "complaints.txt"), "--suppress", str(base / "others.txt"),
        "--hold-out", "0.1", "--campaign", "spring sale", SEGMENTATION_CUSTOMER_KEY_FILE=key,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "20,000 customers are not in the customer table" in done.stderr
    assert "nobody of these segments is in others.txt" in done.stderr
    assert "complaints.txt" not in done.stderr
    listed, held = read(tmp_path / "out", "segment-*.csv"), read(tmp_path / "out", "held-out.csv")
    allowed = {
        (f"c{number}", number % 3) for number in range(CUSTOMERS) if number % 10 not in (0, 1, 2) and number % 13
    }
    assert set(listed) | set(held) == allowed
    assert len(listed) + len(held) == len(allowed)
    assert abs(len(held) / len(allowed) - 0.1) < 0.005
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert sum(one["listed"] for one in summary["segments"]) == len(listed)
    assert sum(one["no_consent"] for one in summary["segments"]) == CUSTOMERS * 3 // 10
    for one in summary["segments"]:
        kinds = ("listed", "held_out", "no_address", "suppressed", "no_consent")
        assert sum(one[kind] for kind in kinds) == one["customers"]
        assert len(read(tmp_path / "out", f"segment-{one['segment_id']}.csv")) == one["listed"]


def test_the_order_of_rows_does_not_matter(base: Path, tmp_path: Path, key: str) -> None:
    with duckdb.connect() as connection:
        for name, form in (("segments.parquet", "FORMAT parquet"), ("customers.csv", "FORMAT csv, HEADER")):
            read_all = f"SELECT * FROM '{base / name}'" if name.endswith("parquet") else (
                f"SELECT * FROM read_csv('{base / name}', all_varchar = true)"
            )  # fmt: skip
            connection.execute(f"COPY ({read_all} t ORDER BY hash(t)) TO '{tmp_path / name}' ({form})")
    made = []
    for folder in (base, tmp_path):
        out = tmp_path / f"from-{folder.name}"
        more = ("--hold-out", "0.1", "--campaign", "spring sale", "--column", "mail")
        assert lists(folder, out, *more, SEGMENTATION_CUSTOMER_KEY_FILE=key).returncode == 0
        made.append({file.name: file.read_bytes() for file in out.iterdir()})
    assert len(made[0]) == 5
    assert made[0] == made[1]


def test_a_hold_out_is_stable_as_the_base_grows_and_independent_between_campaigns(
    base: Path, tmp_path: Path, key: str
) -> None:
    held = {}
    for name, campaign, more in (
        ("whole", "spring sale", []),
        ("again", "spring sale", []),
        ("less", "spring sale", ["--segment", "New", "--suppress", str(base / "complaints.txt")]),
        ("wider", "spring sale", ["--hold-out", "0.2"]),
        ("other", "summer sale", []),
    ):
        done = lists(
            base, tmp_path / name, "--hold-out", "0.1", *more, "--campaign", campaign,
            SEGMENTATION_CUSTOMER_KEY_FILE=key,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        held[name] = {customer for customer, _ in read(tmp_path / name, "held-out.csv")}
    files = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert files == ["held-out.csv", "segment-0.csv", "segment-1.csv", "segment-2.csv", "summary.json"]
    assert all((tmp_path / "whole" / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in files)
    assert held["less"] < held["whole"] < held["wider"]
    # Of those held out of one campaign, a tenth is held out of another as well.
    assert len(held["whole"] & held["other"]) / len(held["whole"]) == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--campaign", "x", "--hold-out", "0.1"], "need a key"),
        (["--campaign", " x"], "has spaces around it"),
        (["--campaign", "x", "--hold-out", "1"], "not in the range"),
        (["--campaign", "x", "--segment", "Lyal"], "did you mean '0 Loyal'"),
        (["--campaign", "x", "--consent", "male"], "did you mean 'mail'"),
        (["--campaign", "x", "--consent", "id"], "180,000 cells say neither yes nor no"),
        (["--campaign", "x", "--id", "mail"], "rows have no id"),
        (["--campaign", "x", "--suppress", "absent.txt"], "there is no file absent.txt"),
        (["--campaign", "x", "--suppress", ""], "it is empty"),
        (["--campaign", "x", "--customers", "{strangers}"], "none of the 200,000 customers of these segments"),
        (["--campaign", "x", "--customers", "{twice}"], "1 rows too many"),
        (["--campaign", "x", "--customers", "{fractions}"], "ids are of type DOUBLE"),
        (["--campaign", "x", "--customers", "{nobody}"], "holds no customer"),
        (["--campaign", "x", "--out", "{full}"], "is there already"),
        (["--campaign", "x", "--out", "{deep}"], "there is no folder"),
    ],
)
def test_what_cannot_be_listed_is_refused_and_nothing_is_written(
    base: Path, tmp_path: Path, more: list[str], said: str
) -> None:
    (tmp_path / "strangers.csv").write_text("id,mail\nx1,yes\n")
    (tmp_path / "twice.csv").write_text("id,mail\nc1,yes\nc1,no\n")
    (tmp_path / "nobody.csv").write_text("id,mail\n")
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT 1.0::DOUBLE AS id, true AS mail) TO '{tmp_path}/fractions.parquet'")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    places = {
        name: str(tmp_path / file)
        for name, file in (
            ("strangers", "strangers.csv"), ("twice", "twice.csv"), ("nobody", "nobody.csv"),
            ("fractions", "fractions.parquet"), ("full", "full"), ("deep", "no/such"),
        )
    }  # fmt: skip
    before = sorted(tmp_path.rglob("*"))
    done = lists(base, tmp_path / "out", *(part.format(**places) for part in more))
    assert (done.returncode, said in done.stderr, done.stdout) == (2, True, ""), done
    # One of many would be a customer's data.
    assert "c1" not in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_consent_in_parquet_is_a_truth_value_and_ids_are_whole_numbers(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT CAST(number AS VARCHAR) AS customer_id, 1::INTEGER AS segment_id, 'All' AS segment_name, "
            "0.5 AS confidence, 'v' AS model_version, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS as_of "
            f"FROM range(9) n(number)) TO '{tmp_path}/segments.parquet'"
        )
        connection.execute(
            "COPY (SELECT number AS customer_id, [true, false, NULL][number % 3 + 1] AS agreed "
            f"FROM range(9) n(number)) TO '{tmp_path}/customers.parquet'"
        )
    done = campaigns(
        "lists", "--assignments", f"{tmp_path}/segments.parquet", "--customers", f"{tmp_path}/customers.parquet",
        "--consent", "agreed", "--campaign", "x", "--format", "parquet", "--out", f"{tmp_path}/out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert read(tmp_path / "out", "segment-1.parquet") == [("0", 1), ("3", 1), ("6", 1)]
    assert not (tmp_path / "out" / "held-out.parquet").exists()
