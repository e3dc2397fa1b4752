"""What the pages say is what the code does."""

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest
import yaml

from segmentation.features import EVENT_FEATURES, ORDER_FEATURES
from segmentation.lineage import Lineage
from segmentation.model import NEEDED_TO_SERVE, assemble
from segmentation.settings import PREFIX, Settings
from segmentation.tables import EVENTS, ORDERS
from service.app import create_app
from service.decoding import Decoder, Limits
from service.predictions import assign
from tests.conftest import MADE
from tests.servers.service import ROOT
from training import job
from training.cleaning import RULES
from training.configuration import Configuration, as_plain, load
from training.gate import Facts, judge
from training.paired import Paired
from training.sections import Gate
from training.sources.mapping import Cancelled, FileFormat, Mapping
from training.sources.mapping import load as load_mapping


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_setting_is_documented_with_its_default_and_meaning() -> None:
    rows = [line for line in page("docs/settings.md").splitlines() if line.startswith(f"| `{PREFIX}")]
    expected = [
        f"| `{PREFIX}{field.name.upper()}` | {_default(field.default)} | {field.metadata['help']} |"
        for field in fields(Settings)
    ]
    assert rows == expected


def _default(value: object) -> str:
    return "(none)" if value in ("", None) else str(value).lower() if isinstance(value, bool) else str(value)


def test_every_feature_is_documented() -> None:
    text = page("docs/features.md")
    for feature in (*ORDER_FEATURES, *EVENT_FEATURES):
        enters = ("log(1 + x)" if feature.transform == "log1p" else "as it is") + ", winsorised" * feature.winsorised
        start = f"| `{feature.name}` | {feature.help} | {feature.unit} | {feature.valid} | {enters} |"
        row = next(line for line in text.splitlines() if line.startswith(start))
        assert ("everybody has it" if feature.lacking == "never" else feature.lacking) in row


def test_the_documented_configuration_is_the_default_one(tmp_path: Path) -> None:
    block = re.search(r"```yaml\n(.*?)```", page("docs/configuration.md"), re.DOTALL)
    assert block
    assert yaml.safe_load(block[1]) == as_plain(Configuration()) | {"features": [], "rule_segments": []}
    path = tmp_path / "documented.yaml"
    path.write_text(block[1], encoding="utf-8")
    assert load("none", path) == Configuration()


def test_every_cleaning_rule_is_documented() -> None:
    rows = [line for line in page("docs/cleaning.md").splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{rule.name}` | {rule.help} | {', '.join(rule.tables)} | {rule.action} | {('no', 'yes')[rule.may_keep]} |"
        for rule in RULES
    ]


def test_every_check_of_the_gate_is_documented(sample_result: job.Result) -> None:
    """The page names what a model with a predecessor is asked."""
    names = re.findall(r"^\| (`[a-z`, -]+`) \|", page("docs/retraining.md").split("## Gate")[1], re.MULTILINE)
    documented = [name for cell in names for name in re.findall(r"`([a-z-]+)`", cell)]
    card = sample_result.made.card
    moved = Lineage(
        predecessor=card.version, why="", customers=1, segments=(), previous=(), moved_by_model=0.0,
        moved_by_customers=None, model_changed=(), customers_moved=(),
    )  # fmt: skip
    same = Paired(new=0.4, old=0.4, standard_error=0.0, rows=1)
    facts = Facts(replace(card, lineage=moved), card, same, 0.0)
    assert documented == [check.name for check in judge(facts, Gate()).checks]
    text = page("docs/retraining.md")
    assert [field.name for field in fields(Gate) if f"`{field.name}`" not in text] == []


def test_every_key_of_a_mapping_is_documented() -> None:
    text = page("docs/mapping.md")
    keys = [field.name for field in fields(Mapping) if field.name not in ("file", "cancelled")]
    keys += [f"file.{field.name}" for field in fields(FileFormat)] + [f"cancelled.{f.name}" for f in fields(Cancelled)]
    assert [key for key in keys if f"| `{key}` |" not in text] == []
    assert [column.name for column in (*ORDERS.columns, *EVENTS.columns) if f"`{column.name}`" not in text] == []


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_documented_mappings_are_mappings(number: int, tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", page("docs/mapping.md"), re.DOTALL)
    block = [block for block in blocks if block.startswith("table:")][number]
    path = tmp_path / "mapping.yaml"
    path.write_text(block, encoding="utf-8")
    mapping = load_mapping("profiles" if "table: profiles" in block else "transactions", path)
    assert mapping.table == ("orders", "events", "profiles")[number]
    assert len(block.splitlines()) <= 25


def test_every_order_field_is_documented() -> None:
    text = page("docs/http.md")
    for column in (*ORDERS.columns, *EVENTS.columns):
        assert column.name == "customer_id" or f"`{column.name}`" in text


def test_every_route_is_documented(tmp_path: Path) -> None:
    text = page("docs/http.md")
    app = create_app(Settings(registry=str(tmp_path)))
    for rule in app.url_map.iter_rules():
        assert re.sub(r"<int:\w+>", "<id>", rule.rule) in text


def test_the_readme_begins_with_the_two_commands_and_names_real_targets() -> None:
    text = page("README.md")
    assert text.index("make demo") < text.index("make test") < 1500
    targets = set(re.findall(r"^([a-z-]+):", page("Makefile"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets


def test_the_readme_s_example_is_what_the_demo_prints() -> None:
    """The demo's model and request, as `make demo` makes and sends them."""
    text = page("README.md")
    result = job.make(
        "sample",
        None,
        load("sample", assignments=["report=null", "comparison.algorithms=[]"]),
        Settings(),
        created=MADE,
    )
    card = result.made.card
    for segment in card.segments:
        row = f"{segment.id}  {segment.name} +{segment.customers:,} +{segment.share:.1%} +{segment.revenue_share:.1%} +"
        row += f"{segment.silhouette:.3f} +{segment.stability:.2f}\n"
        assert re.search(row, text), row
    metrics = card.metrics
    assert f"variance kept    {metrics.variance_kept:.1%} in {metrics.components} components" in text
    assert f"silhouette       {metrics.silhouette:.4f} ({metrics.silhouette_rows:,} customers)" in text
    model = assemble(result.made.card_content, {name: result.made.files[name] for name in NEEDED_TO_SERVE})
    batch = Decoder(card, model.query, Limits(10, 100)).decode((ROOT / "examples/customer.json").read_bytes())
    for customer, prediction in zip(batch.customer_ids, assign(model, batch), strict=True):
        segment_line = f'"customer_id": "{customer}",\n      "segment": {{"id": {prediction.segment.id}, '
        assert f'{segment_line}"name": "{prediction.segment.name}"}}' in text
