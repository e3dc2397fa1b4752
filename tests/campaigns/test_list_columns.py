"""What is in a list: where it comes from, what a CRM calls its columns, and cells that arrive as they were."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from campaigns.cells import escaped, is_formula
from campaigns.lists.columns import columns
from tests.campaigns.exporting import Done, campaigns

PEOPLE = [
    # id, agreed, mail, given name, points
    ("007", "yes", " Bond@example.org ", 'Jämes, "J"', "1"),
    ("008", "yes", "eve@example.org", '=HYPERLINK("http://evil.example";"x")', "2"),
    ("0009", "yes", "nine@example.org", "Anne\nMarie", "3"),
    ("10", "yes", "", "No Address", "4"),
    ("11", "yes", "not an address", "No Address", "5"),
    ("12", "no", "twelve@example.org", "Said No", "6"),
    ("13", "yes", "complained@example.org", "Complained By Mail", "7"),
    ("14", "yes", "BOND@example.org", "Bond's other account", "8"),
    ("15", "yes", "two@example.org", "Suppressed By Id", "9"),
    ("16", "yes", "TWO@example.org", "Same Address", "10"),
    ("-Kx_2", "yes", "+tag@example.org", "+49 (0)30 12-34", "11"),
]
SECRET = ("Bond", "evil", "Anne", "complained", "HYPERLINK", "Kx_2")
MOMENT = "2026-01-01T00:00:00Z"
VERSION = "20260101T000000Z-00000000"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven people in one segment, and a key."""
    folder = tmp_path_factory.mktemp("shop")
    with (folder / "customers.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["customer_id", "agreed", "mail", "given", "points"])
        writer.writerows(PEOPLE)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            "COPY (SELECT customer_id, 3::INTEGER AS segment_id, 'Späte, \"gute\"' AS segment_name, 0.5 AS confidence, "
            f"'{VERSION}' AS model_version, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS as_of "
            f"FROM read_csv('{folder}/customers.csv', all_varchar = true)) TO '{folder}/segments.parquet'"
        )
    (folder / "complaints.txt").write_text("Complained@Example.org\n15\n", encoding="utf-8")
    (folder / "key").write_text("0123456789abcdef" * 2, encoding="ascii")
    return folder


def lists(shop: Path, out: Path | str, *more: str, customers: str = "customers.csv") -> Done:
    return campaigns(
        "lists", "--assignments", str(shop / "segments.parquet"), "--customers", str(shop / customers), "--consent",
        "agreed", "--campaign", "x", "--out", str(out), *more, SEGMENTATION_CUSTOMER_KEY_FILE=str(shop / "key"),
    )  # fmt: skip


def read(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_every_list_says_which_model_and_moment_it_is_of(shop: Path, tmp_path: Path) -> None:
    for kind in ("csv", "parquet"):
        assert lists(shop, tmp_path / kind, "--hold-out", "0.5", "--format", kind).returncode == 0
    held = read(tmp_path / "csv" / "held-out.csv")
    rows = read(tmp_path / "csv" / "segment-3.csv") + held
    assert held
    assert len(rows) == 10
    for row in rows:
        assert list(row) == ["customer_id", "segment_id", "segment_name", "model_version", "as_of"]
        assert (row["segment_id"], row["segment_name"], row["model_version"], row["as_of"]) == (
            "3", 'Späte, "gute"', VERSION, MOMENT,
        )  # fmt: skip
    assert {row["customer_id"] for row in rows} == {person[0] for person in PEOPLE if person[1] == "yes"}
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        file = tmp_path / "parquet" / "*.parquet"
        sql = f"SELECT customer_id, segment_id::VARCHAR, segment_name, model_version, epoch(as_of) FROM '{file}'"
        typed = connection.execute(sql).fetchall()
    assert {row[:4] for row in typed} == {tuple(row.values())[:4] for row in rows}
    assert {row[4] for row in typed} == {datetime(2026, 1, 1, tzinfo=UTC).timestamp()}


@pytest.mark.parametrize(
    ("crm", "first", "headers"),
    [
        ("braze", "external_id", ["external_id", "email", "first_name", "points"]),
        ("hubspot", "Email", ["Email", "customer_id", "First name", "points"]),
        ("klaviyo", "Email Address", ["Email Address", "customer_id", "first name", "points"]),
        ("mailchimp", "Email Address", ["Email Address", "customer_id", "first name", "points"]),
        ("salesforce", "Email", ["Email", "customer_id", "First Name", "points"]),
    ],
)
def test_columns_are_named_as_the_crm_imports_them(
    shop: Path, tmp_path: Path, crm: str, first: str, headers: list[str]
) -> None:
    done = lists(
        shop, tmp_path / "out", "--crm", crm, "--column", "mail=email", "--column", "given=first name", "--column",
        "points",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "out" / "segment-3.csv").read_bytes()
    assert text.startswith(f'"{first}"'.encode())  # UTF-8 without a mark before it
    rows = read(tmp_path / "out" / "segment-3.csv")
    assert list(rows[0]) == [*headers, "segment_id", "segment_name", "model_version", "as_of"]
    by_id = {row[headers[0] if crm == "braze" else "customer_id"]: row for row in rows}
    assert by_id["0009"]["points"] == "3"
    assert by_id["0009"][headers[2]] == "Anne\nMarie"


def test_nobody_without_an_address_is_listed_and_a_suppressed_address_counts_for_every_account(
    shop: Path, tmp_path: Path
) -> None:
    done = lists(
        shop, tmp_path / "out", "--crm", "hubspot", "--column", "mail=email", "--column", "given=first_name",
        "--suppress", str(shop / "complaints.txt"), "--hold-out", "0.01",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = read(tmp_path / "out" / "segment-3.csv")
    assert [row["customer_id"] for row in rows] == ["-Kx_2", "0009", "007", "008", "14"]
    assert [row["Email"] for row in rows] == [
        "+tag@example.org", "nine@example.org", "Bond@example.org", "eve@example.org", "BOND@example.org",
    ]  # fmt: skip
    # Those held out are ids alone, which nobody can write to by mistake.
    header = (tmp_path / "out" / "held-out.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == '"customer_id",segment_id,"segment_name","model_version","as_of"'
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary["segments"] == [
        {"segment_id": 3, "segment_name": 'Späte, "gute"', "customers": 11, "listed": 5, "held_out": 0,
         "no_address": 2, "suppressed": 3, "no_consent": 1}
    ]  # fmt: skip
    assert (summary["shared_addresses"], summary["escaped_cells"]) == (2, 1)
    assert [(one["name"], one["customers"]) for one in summary["files"]] == [("segment-3.csv", 5), ("held-out.csv", 0)]
    assert "2 listed customers share their e-mail address" in done.stderr
    assert "1 cells are formulas" in done.stderr
    assert not [word for word in SECRET if word in done.stderr + done.stdout]


def test_what_a_spreadsheet_would_compute_is_text_and_the_rest_is_untouched(shop: Path, tmp_path: Path) -> None:
    carried = ("--column", "given", "--column", "mail")
    for name, more in (("escaped", ()), ("kept", ("--formulas", "keep")), ("typed", ("--format", "parquet"))):
        assert lists(shop, tmp_path / name, *carried, *more).returncode == 0
    safe, kept = (
        {row["customer_id"]: row for row in read(tmp_path / name / "segment-3.csv")} for name in ("escaped", "kept")
    )
    given = {person[0]: person[3] for person in PEOPLE if person[1] == "yes"}
    assert {key: row["given"] for key, row in kept.items()} == given
    assert {key: row["given"] for key, row in safe.items()} == given | {"008": "'" + given["008"]}
    with duckdb.connect() as connection:
        rows = connection.execute(f"SELECT customer_id, given FROM '{tmp_path}/typed/segment-3.parquet'").fetchall()
    assert dict(rows) == given


@pytest.mark.parametrize(
    ("cell", "dangerous"),
    [
        ("=1+1", True), ("@SUM(A1)", True), ("+SUM(A1)", True), ("-2+3+cmd|' /C calc'!A0", True), ("\t=1", True),
        ("\uff1d1+1", True), ("=", True), ("+WEBSERVICE(B2)", True), ("-1\n=2", True),
        ("+49 (0)30 12-34", False), ("-12.5", False), ("@handle", False), ("-Kx_9", False), ("+a/b==", False),
        ("+tag@example.org", False), ("a=b", False), ("", False), ("'=1", False), (None, False),
    ],
)  # fmt: skip
def test_phone_numbers_and_ids_are_no_formulas(cell: str | None, dangerous: bool) -> None:
    with duckdb.connect() as connection:
        sql = f"SELECT {is_formula('cell')}, {escaped('cell')} FROM (SELECT CAST(? AS VARCHAR) AS cell)"
        assert connection.execute(sql, [cell]).fetchone() == (dangerous, f"'{cell}" if dangerous else cell)


def test_columns_of_any_names_do_not_get_into_each_others_way(shop: Path, tmp_path: Path) -> None:
    shown = ["given=carried_1", "mail=carried_0", "points=outcome", "agreed=choice"]
    asked = [part for one in shown for part in ("--column", one)]
    done = lists(shop, tmp_path / "out", "--crm", "braze", *asked, "--column", "customer_id")
    assert done.returncode == 0, done.stderr
    rows = {row["external_id"]: row for row in read(tmp_path / "out" / "segment-3.csv")}
    assert len(rows) == 10
    assert (rows["0009"]["carried_0"], rows["0009"]["carried_1"]) == ("nine@example.org", "Anne\nMarie")
    assert (rows["0009"]["outcome"], rows["0009"]["choice"], rows["0009"]["customer_id"]) == ("3", "yes", "0009")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--crm", "hubspot"], "HubSpot knows people by their e-mail address"),
        (["--crm", "hubspot", "--column", "mail"], "holds it: --column mail=email"),
        (["--crm", "hubspotty", "--column", "mail=email"], "'hubspotty' is not one of"),
        (["--column", "male"], "did you mean 'mail'"),
        (["--column", "mail="], "names no column"),
        (["--column", "=email"], "names no column"),
        (["--column", ""], "names no column"),
        (["--column", "mail=Model_Version"], "two columns of the lists would be named 'Model_Version'"),
        (["--column", "mail=a", "--column", "given=A"], "two columns of the lists would be named 'A'"),
        (["--column", "given", "--customers", "{nested}"], "a cell of type VARCHAR[] does not fit into a list"),
        (["--id", "formula", "--customers", "{formulas}", "--assignments", "{sums}"], "1 ids are formulas"),
        (["--out", "ftp://host/folder"], "ftp://host/folder is no place for lists"),
        (["--out", ""], "it is empty"),
    ],
)
def test_what_cannot_be_named_is_refused_and_nothing_is_written(
    shop: Path, tmp_path: Path, more: list[str], said: str
) -> None:
    places = {name: str(tmp_path / f"{name}.parquet") for name in ("nested", "formulas", "sums")}
    with duckdb.connect() as connection:
        source = f"read_csv('{shop}/customers.csv', all_varchar = true)"
        connection.execute(f"COPY (SELECT * REPLACE ([given] AS given) FROM {source}) TO '{places['nested']}'")
        sums = "CASE customer_id WHEN '10' THEN '=1+1' ELSE customer_id END"
        connection.execute(f"COPY (SELECT *, {sums} AS formula FROM {source}) TO '{places['formulas']}'")
        table = shop / "segments.parquet"
        connection.execute(f"COPY (SELECT * REPLACE ({sums} AS customer_id) FROM '{table}') TO '{places['sums']}'")
    before = sorted(tmp_path.rglob("*"))
    done = lists(shop, tmp_path / "out", *(part.format(**places) for part in more))
    assert (done.returncode, said in done.stderr, done.stdout) == (2, True, ""), done
    assert not [word for word in SECRET if word in done.stderr]
    assert sorted(tmp_path.rglob("*")) == before


def test_a_name_that_means_the_same_is_the_crms_own() -> None:
    assert columns(["a=EMAIL", "b=First Name"], "hubspot").headers[:3] == ("Email", "customer_id", "First name")
    assert columns(["a=Email Address"], "mailchimp").headers[0] == "Email Address"
    assert columns(["a=email"], None).headers[:2] == ("customer_id", "email")
