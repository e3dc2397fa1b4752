"""A scenario is read from a file or a preset, and fits a model, or is refused with the line and what to do."""

from pathlib import Path

import pytest

from campaigns.scenario import reading
from campaigns.scenario.binding import bind
from segmentation.errors import ConfigurationError, MissingTableError
from segmentation.model import Model
from tests.campaigns.scenario.conftest import ORDER


@pytest.mark.parametrize("name", reading.presets())
def test_every_preset_fits_a_model_of_orders(name: str, model: Model) -> None:
    bound = bind(reading.load(name), model.card)
    assert bound.scenario.about
    assert bound.moves


def test_a_file_of_a_presets_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("urgent-offer").write_text(ORDER)
    assert reading.load("urgent-offer").scenario.title == "T"


def test_a_folder_of_a_presets_name_is_no_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("make-good").mkdir()
    assert reading.load("make-good").scenario.title == "Make good for bad reviews"


@pytest.mark.parametrize(
    ("given", "said", "hint"),
    [
        ("urgentoffer", "no file and no preset 'urgentoffer'", "did you mean 'urgent-offer'?"),
        ("nowhere.yaml", "nowhere.yaml cannot be read", "check its name"),
    ],
)
def test_what_is_not_there_is_refused(given: str, said: str, hint: str) -> None:
    with pytest.raises((ConfigurationError, MissingTableError), match=said) as refused:
        reading.load(given)
    assert refused.value.hint == hint


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("", "lacks the required field", "docs/scenarios.md"),
        (ORDER + "mergin: 0.2\n", "line 5: unknown key 'mergin'", "did you mean 'margin'?"),
        (ORDER + "margin: 0.2\n", "line 5: 'margin' is set twice", "keep one"),
        (ORDER.replace("0.1", "many"), "line 2: uplift: Expected", "docs/scenarios.md"),
        (ORDER.replace("0.1", "{lo: 1}"), "unknown key 'uplift.lo'", "did you mean 'low'?"),
        (ORDER + "fixed_cost: null\n", "line 5: fixed_cost", ""),
        ("title: T\nuplift: 0.1\nmargin: 0.4\n", "a response does nothing", "order, changes or both"),
        (ORDER.replace("{}", "{basket: {}}"), "line 4: order.basket takes one of", "docs/scenarios.md"),
        (ORDER.replace("{}", "{basket: {amount: 1, times_average: 1}}"), "order.basket takes one of", ""),
        (ORDER.replace("{}", "{wait_days: -1}"), "line 4: order.wait_days", ""),
        (ORDER.replace("{}", "{wait_days: .nan}"), "line 4: order.wait_days", ""),
        (ORDER + "discount: {share: 0.1, amount: 2}\n", "line 5: discount takes one of", ""),
        (
            "title: T\nuplift: 0.1\nmargin: 0.4\nchanges: [{feature: review_score, add: 1}]\ndiscount: {amount: 2}\n",
            "line 5: discount: there is no order",
            "give order",
        ),
        (ORDER + "changes: [{feature: review_score}]\n", "takes one of add, times, set or of_order", ""),
        (
            ORDER + "changes: [{feature: review_score, add: 1}, {feature: review_score, add: 2}]\n",
            "review_score is there twice",
            "",
        ),
        (ORDER + "title: [", "this is not YAML", "indentation"),
    ],
)
def test_a_senseless_file_is_refused(text: str, said: str, hint: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        reading.parse(text, "t.yaml")
    assert "t.yaml" in refused.value.message
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    ("more", "said", "hint"),
    [
        ("target: {segments: [77]}\n", "line 5: target.segments: the model has no segment 77", "it has 0 '"),
        ("target: {segments: [Small spender]}\n", "no segment 'Small spender'", "did you mean 'Small spenders"),
        ("target: {where: [{feature: recency, below: 3}]}\n", "no feature 'recency'", "did you mean 'recency_days'?"),
        ("target: {where: [{feature: recency_days}]}\n", "recency_days has no bound", "at_least, below"),
        ("target: {where: [{feature: recency_days, below: .nan}]}\n", "recency_days has an endless bound", "at_least"),
        ("changes: [{feature: revew_score, add: 1}]\n", "no feature 'revew_score'", "did you mean 'review_score'?"),
        ("changes: [{feature: monetary, times: 2}]\n", "monetary follows from orders", "say it by order"),
        ("changes: [{feature: late_share, set: 1.5}]\n", "late_share is 1.5", "it takes 0 to 1"),
        ("changes: [{feature: late_share, add: 1.5}]\n", "what late_share is raised by is 1.5", "it takes -1 to 1"),
        ("changes: [{feature: review_score, of_order: 101}]\n", "review_score is 101", "it takes 0 to 100"),
        ("changes: [{feature: distinct_categories, of_order: 1}]\n", "no mean over orders", "add, times or set"),
        ("uplift_by_segment: [{segment: 0, uplift: 0.1}, {segment: 0, uplift: 0.2}]\n", "there twice", "keep one"),
        ("target: {segments: [1]}\nuplift_by_segment: [{segment: 0, uplift: 0.1}]\n", "not contacted", "add it"),
        ("contact_cost: -1\n", "line 5: contact_cost is -1", "it takes 0 to"),
        ("baseline: 1.5\n", "line 5: baseline is 1.5", "it takes 0 to 1"),
        ("discount: {share: 1.5}\n", "discount is 1.5", "it takes 0 to 1"),
    ],
)
def test_what_does_not_fit_the_model_is_refused(model: Model, more: str, said: str, hint: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        bind(reading.parse(ORDER + more, "t.yaml"), model.card)
    assert hint in refused.value.hint


def test_segments_are_meant_by_id_or_by_name(model: Model) -> None:
    first, second = model.card.segments[:2]
    more = f"target: {{segments: [{first.id}, '{second.name}']}}\n"
    assert bind(reading.parse(ORDER + more, "t.yaml"), model.card).targeted == (0, 1)
