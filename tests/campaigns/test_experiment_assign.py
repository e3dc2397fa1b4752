"""Who gets what is drawn by keyed hash within segments, the same each time, and then stays."""

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2_contingency, kstest

from campaigns.assignments import open_duckdb
from campaigns.errors import ExperimentError, PlanMismatchError
from campaigns.experiment.description import load
from campaigns.experiment.membership import randomise
from campaigns.experiment.plan import MEMBERSHIP, PLAN, read_plan
from segmentation import pseudonyms
from segmentation.errors import ConfigurationError
from segmentation.settings import Settings
from tests.campaigns.experiments import AFTER, DESCRIPTION, OUTCOMES, SIZES, Desk, failed, write_base


def test_each_segment_is_cut_exactly_at_the_shares(desk: Desk) -> None:
    text = DESCRIPTION.replace("{control: 0.5, free_shipping: 0.5}", "{control: 0.5, mail: 0.3, letter: 0.2}")
    assert desk.assign(text + "share: 0.6\n").exception is None
    members = desk.members()
    found = Counter(zip(members["segment_id"].tolist(), members["arm"].tolist(), strict=True))
    for segment, customers in SIZES.items():
        for arm, share in (("control", 0.5), ("mail", 0.3), ("letter", 0.2)):
            assert abs(found[segment, arm] - customers * 0.6 * share) <= 1
    assert len(set(members["customer_id"])) == sum(found.values())


def test_reruns_and_another_order_of_rows_give_the_same_bytes(desk: Desk) -> None:
    write_base(desk.folder / "shuffled.parquet", order="hash(i)")
    desk.assign()
    desk.assign(out="again", base="shuffled.parquet")
    for name in (PLAN, MEMBERSHIP):
        assert (desk.folder / "plan" / name).read_bytes() == (desk.folder / "again" / name).read_bytes()


def test_assigning_again_changes_nothing_and_another_plan_is_refused(desk: Desk) -> None:
    desk.assign()
    before = (desk.folder / "plan" / PLAN).read_bytes()
    desk.at(AFTER)
    again = desk.run(
        "assign", "--assignments", desk.folder / "base.parquet", "--experiment", desk.describe(), "--out",
        desk.folder / "plan",
    )  # fmt: skip
    assert "nothing was changed" in again.output
    other = desk.assign(DESCRIPTION.replace("2026-02-01", "2026-02-08"))
    assert isinstance(failed(other), PlanMismatchError)
    assert (desk.folder / "plan" / PLAN).read_bytes() == before
    assert {path.name for path in desk.folder.iterdir()} == {"base.parquet", "experiment.yaml", "plan"}


def test_names_divide_customers_independently(desk: Desk, experiment_base: Path) -> None:
    keyed = pseudonyms.load(str(experiment_base.with_name("key")))
    before, ps = None, []
    with open_duckdb(Settings()) as connection:
        connection.execute(
            f"CREATE TABLE base AS FROM read_parquet('{experiment_base}') USING SAMPLE 2000 (reservoir, 1)"
        )
        for at in range(201):
            asked = load(desk.describe(DESCRIPTION.replace("free shipping", f"experiment {at}")))
            connection.execute(
                "CREATE OR REPLACE TABLE member AS SELECT customer_id, segment_id, CAST(NULL AS DOUBLE) AS covariate "
                "FROM base"
            )
            randomise(connection, asked, keyed)
            arm = connection.execute("SELECT arm = 'control' FROM member").fetchnumpy()
            now = np.asarray(next(iter(arm.values())))
            if before is not None:
                table = [[np.sum(now & before), np.sum(now & ~before)], [np.sum(~now & before), np.sum(~now & ~before)]]
                ps.append(chi2_contingency(table, correction=False).pvalue)
            before = now
    assert kstest(ps, "uniform").pvalue > 0.001
    assert len(ps) == 200
    assert np.mean(np.array(ps) < 0.05) < 0.1


def test_only_those_on_a_list_take_part(desk: Desk) -> None:
    listed = desk.folder / "reachable.csv"
    listed.write_text("customer_id\n" + "".join(f"customer-{i}\n" for i in range(0, 15_000, 2)) + "stranger\n")
    assert desk.assign(DESCRIPTION, "plan", "base.parquet", "--only", listed).exception is None
    ids = desk.members()["customer_id"]
    assert len(ids) == 7500
    assert all(int(text.removeprefix("customer-")) % 2 == 0 for text in ids)


def test_the_plan_tells_what_will_be_tested_and_of_no_customer(desk: Desk) -> None:
    desk.assign(DESCRIPTION.replace("smallest_lift: 0.3", "smallest_lift: 0.35") + "analysis: {covariate: frequency}\n")
    content = (desk.folder / "plan" / PLAN).read_text()
    plan = json.loads(content)["plan"]
    assert "customer-" not in content
    assert plan["base"] == {"model_version": "v1", "as_of": "2026-01-01T00:00:00Z"}
    assert plan["assigned_at"] == "2026-01-04T00:00:00Z"
    assert {segment["id"]: sum(segment["members"].values()) for segment in plan["segments"]} == SIZES
    assert set(desk.members()["covariate"]) == {1.0, 2.0, 3.0, 4.0, 5.0}


def test_the_metric_before_the_window_may_be_the_covariate(desk: Desk) -> None:
    history = desk.folder / "history.csv"
    history.write_text("customer_id,ordered\n" + "".join(f"customer-{i},{i % 2}\n" for i in range(15_000)))
    text = DESCRIPTION + "analysis: {covariate: history}\n"
    assert desk.assign(text, "plan", "base.parquet", "--history", history).exception is None
    members = desk.members()
    expected = [int(text.removeprefix("customer-")) % 2 for text in members["customer_id"]]
    assert members["covariate"].tolist() == expected


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (PLAN, lambda text: text.replace(b'"alpha": 0.05', b'"alpha": 0.15'), "altered"),
        (PLAN, lambda text: text.replace(b'"control": 0.5,', b'"contrxx": 0.5,'), "altered"),
        (PLAN, lambda text: text[:200], "no plan"),
        (MEMBERSHIP, lambda text: text[:-1] + b"x", "not the one that was planned"),
    ],
)
def test_what_was_altered_is_refused(desk: Desk, name: str, change: object, said: str) -> None:
    desk.assign()
    file = desk.folder / "plan" / name
    before = file.read_bytes()
    file.write_bytes(change(before))  # type: ignore[operator]
    assert file.read_bytes() != before
    with pytest.raises(PlanMismatchError, match=said):
        read_plan(desk.folder / "plan")


def test_the_plan_is_named_when_it_is_made_and_when_it_is_followed(desk: Desk) -> None:
    """A plan that somebody froze anew in the same place, with other rules, has another name."""
    named = [re.search("[Pp]lan:? ([0-9a-f]{16})", desk.assign().output)]
    named += [re.search("[Pp]lan:? ([0-9a-f]{16})", desk.analyse(desk.outcomes(OUTCOMES)).output)]
    named += [re.search("[Pp]lan:? ([0-9a-f]{16})", desk.assign(DESCRIPTION + "share: 0.9\n", out="other").output)]
    first, followed, other = (name[1] for name in named if name)
    assert first == followed != other


def test_it_is_too_late_when_the_window_has_started(desk: Desk) -> None:
    late = desk.assign(DESCRIPTION.replace("2026-01-05", "2026-01-02"))
    assert "too late" in str(failed(late))
    assert isinstance(late.exception, ExperimentError)
    seen = desk.assign(DESCRIPTION.replace("2026-01-05", "2025-12-02"))
    assert "after the window started" in str(failed(seen))
    assert not (desk.folder / "plan").exists()


def test_there_is_no_draw_without_a_key(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEGMENTATION_CUSTOMER_KEY_FILE")
    assert isinstance(failed(desk.assign()), ConfigurationError)
