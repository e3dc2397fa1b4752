"""The star through Redshift's Data API: the calls, the polling, one transaction, and every way it can fail."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from campaigns.errors import StatementFailedError, WarehouseAccessError, WarehouseUnavailableError
from campaigns.export import data_api
from campaigns.export.data_api import DataAPI
from segmentation.registry import Registry
from tests.campaigns.exporting import assigned, campaigns, expected, rows
from tests.servers import redshift, s3
from tests.servers.redshift import Redshift
from tests.servers.service import free_port

ROLE = "arn:aws:iam::123456789012:role/load"
TO = f"redshift-serverless://marketing/shop?stage=s3://models/stage&role={ROLE}"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with s3.running(monkeypatch) as url:
        yield url


@pytest.fixture
def warehouse(database: str, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redshift]:
    monkeypatch.setattr(data_api, "_FIRST_LOOK_SECONDS", 0.01)
    with redshift.running(database, monkeypatch) as running:
        yield running


def staged() -> list[str]:
    return [one["Key"] for one in boto3.client("s3").list_objects_v2(Bucket=s3.BUCKET).get("Contents", [])]


@pytest.mark.postgres
def test_the_star_is_loaded_as_parquet_in_one_batch_and_nothing_is_left_in_s3(
    warehouse: Redshift, sample_registry: Registry, sample_assignments: Path, tmp_path: Path
) -> None:
    files = [
        assigned(sample_assignments, tmp_path / "1.parquet"),
        assigned(sample_assignments, tmp_path / "2.parquet", day=2, turned=10, where="number > 30", more=20),
    ]
    told = []
    for file in (*files, files[0]):
        done = campaigns("export", "--assignments", str(file), "--registry", sample_registry.url, "--to", TO)
        assert done.returncode == 0, done.stderr
        told.append(done.stdout)
    assert "3,000, written" in told[0]
    assert "movement  2,673 stayed, 297 moved, 20 arrived, 30 left" in told[1]
    assert "there already" in told[2]
    facts = "SELECT customer, segment, confidence FROM segmentation.customer_segment WHERE {}"
    assert set(rows(warehouse.database, facts.format("opened_by = 1"))) == expected(files[0])
    assert set(rows(warehouse.database, facts.format("valid_to IS NULL"))) == expected(files[1])
    # A lineage or revenue that is not known is NULL, not an empty text.
    assert rows(warehouse.database, "SELECT DISTINCT lineage FROM segmentation.segment") == [(None,)]
    batches = [body for operation, body in warehouse.asked if operation == "BatchExecuteStatement"]
    assert [len(body["Sqls"]) for body in batches] == [5, 15, 15]
    assert all((body["WorkgroupName"], body["Database"]) == ("marketing", "shop") for body in batches)
    assert staged() == []


@pytest.mark.postgres
def test_the_forgotten_are_gone(
    warehouse: Redshift, sample_registry: Registry, sample_assignments: Path, tmp_path: Path
) -> None:
    campaigns("export", "--assignments", str(sample_assignments), "--registry", sample_registry.url, "--to", TO)
    ids = tmp_path / "ids.csv"
    gone = sorted(row[0] for row in expected(sample_assignments))[:3]
    ids.write_text("customer_id\n" + "\n".join(gone))
    done = campaigns("forget", "--ids", str(ids), "--to", TO)
    assert "3 rows of the 3 customers in ids.csv are gone" in done.stdout, done
    assert rows(warehouse.database, "SELECT customers FROM segmentation.exports") == [(2997,)]
    assert rows(warehouse.database, "SELECT count(*) FROM segmentation.customer_segment") == [(2997,)]
    assert staged() == []


@pytest.mark.postgres
def test_a_batch_that_fails_changes_nothing_and_says_why(
    warehouse: Redshift, sample_registry: Registry, sample_assignments: Path
) -> None:
    arguments = ["export", "--assignments", str(sample_assignments), "--registry", sample_registry.url, "--to", TO]
    assert campaigns(*arguments).returncode == 0
    rows(warehouse.database, "UPDATE segmentation.exports SET content = 'other' RETURNING 1")
    before = rows(warehouse.database, "SELECT * FROM segmentation.exports")
    run = warehouse._run
    for error, code, said in (
        ("ERROR: Check 'sys_load_error_detail' system table", 2, "sys_load_error_detail"),
        ("ERROR: 1023 DETAIL: Serializable isolation violation on table - 1", 4, "another run is at work"),
        ("ERROR: permission denied for relation exports", 2, "refuses"),
    ):

        def failing(sqls: list[str], given: dict[str, str], identity: str, error: str = error) -> dict[str, object]:
            if len(sqls) > 10:
                warehouse.failing = error
            return run(sqls, given, identity)

        warehouse._run = failing  # type: ignore[method-assign]
        done = campaigns(*arguments)
        assert (done.returncode, said in done.stderr, done.stdout) == (code, True, ""), done
        assert rows(warehouse.database, "SELECT * FROM segmentation.exports") == before
        assert staged() == []
    # Rows that go missing on the way end the transaction.
    warehouse._run = lambda sqls, given, identity: run(  # type: ignore[method-assign]
        [sql for sql in sqls if not sql.startswith("COPY assigned")], given, identity
    )
    done = campaigns(*arguments)
    assert (done.returncode, "customers are missing" in done.stderr) == (2, True)
    assert rows(warehouse.database, "SELECT * FROM segmentation.exports") == before


@pytest.mark.postgres
def test_a_refusal_or_a_silence_is_told_with_its_exit_code(
    warehouse: Redshift, sample_registry: Registry, sample_assignments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["export", "--assignments", str(sample_assignments), "--registry", sample_registry.url, "--to"]
    for refusing, code in (("AccessDeniedException", 2), ("ResourceNotFoundException", 2), ("InternalServerError", 5)):
        warehouse.refusing = refusing
        done = campaigns(*arguments, TO)
        assert (done.returncode, refusing in done.stderr) == (code, True), done
    warehouse.refusing = ""
    nowhere = TO.replace("s3://models", "s3://absent")
    done = campaigns(*arguments, nowhere)
    assert (done.returncode, "NoSuchBucket" in done.stderr) == (2, True), done
    monkeypatch.setenv("AWS_ENDPOINT_URL_REDSHIFT_DATA", f"http://127.0.0.1:{free_port()}")
    done = campaigns(*arguments, TO)
    assert (done.returncode, "does not answer" in done.stderr) == (5, True), done


@pytest.mark.parametrize(
    ("to", "said"),
    [
        (TO.replace("stage", "stge"), "did you mean 'stage'"),
        (TO.partition("&")[0], "lacks role="),
        (TO.replace("s3://models/stage", "/tmp"), "is not s3://bucket/prefix"),
        (TO.replace(ROLE, "me"), "neither the ARN"),
        (TO.replace("/shop", ""), "names no database"),
        (TO.replace("marketing", ""), "names no cluster"),
    ],
)
def test_an_address_that_lacks_something_is_refused(
    sample_registry: Registry, sample_assignments: Path, to: str, said: str
) -> None:
    done = campaigns("export", "--assignments", str(sample_assignments), "--registry", sample_registry.url, "--to", to)
    assert (done.returncode, said in done.stderr) == (2, True), done


def test_the_calls_are_such_as_amazon_s_model_allows(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against moto, which takes statements and never finishes them."""
    monkeypatch.setattr(data_api, "_FIRST_LOOK_SECONDS", 0.01)
    where = {"ClusterIdentifier": "c", "Database": "d", "DbUser": "u"}
    api = DataAPI(where, "Redshift c/d", longest_seconds=0.05)
    with pytest.raises(WarehouseUnavailableError, match=r"not done after 0\.05 s, and was cancelled"):
        api.query("SELECT :a", {"a": 1, "b": 2})
    from moto.redshiftdata.models import redshiftdata_backends

    ((_, statement),) = redshiftdata_backends["123456789012"]["us-east-1"].statements.items()
    assert statement.query_parameters == [{"name": "a", "value": "1"}]
    assert (statement.database, statement.db_user, statement.status) == ("d", "u", "ABORTED")
    with pytest.raises(StatementFailedError, match="was aborted"):
        api._finished(statement.id)
    with pytest.raises(WarehouseAccessError, match="ResourceNotFoundException"):
        api._finished("00000000-0000-0000-0000-000000000000")
