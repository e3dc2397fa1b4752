"""Which of our features a Pipeline's columns are: what does not fit is told, with the nearest that does."""

import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from segmentation.errors import ForeignPipelineError
from segmentation.features import ORDER_FEATURES
from tests.training.notebook import COLUMNS, RENAMED, log, mall, steps, told
from training import configuration
from training.configuration import Configuration
from training.importing.columns import Agreed, agree, configured, extremes
from training.importing.described import Described

FEATURES = ("annual_income", "spending_score")


@pytest.fixture(scope="module")
def named() -> Described:
    return told(steps(StandardScaler(), PCA(1)).fit(mall()[COLUMNS]))[0]


@pytest.fixture(scope="module")
def nameless() -> Described:
    return told(steps(log(), MinMaxScaler()).fit(mall()[COLUMNS].to_numpy()))[0]


RENAMES = dict(zip(COLUMNS, FEATURES, strict=True))


def test_columns_are_known_by_their_names_or_by_those_given(named: Described, nameless: Described) -> None:
    assert RENAMED[0] == f"{COLUMNS[0]}=annual_income"
    assert agree(named, (), RENAMES) == Agreed(FEATURES, tuple(COLUMNS))
    assert agree(named, FEATURES, RENAMES) == Agreed(FEATURES, tuple(COLUMNS))
    assert agree(nameless, FEATURES, {}) == Agreed(FEATURES, (None, None))


@pytest.mark.parametrize(
    ("given", "renamed", "said", "hint"),
    [
        (("annual_income",), RENAMES, "--features says annual_income, and the Pipeline itself annual_", "leave --f"),
        (FEATURES[::-1], RENAMES, "--features says spending_score, annual_income", "it knows its columns"),
        ((), {"Annual Income": "x"}, "--rename: the Pipeline has no column 'Annual Income'", f"mean '{COLUMNS[0]}'"),
        ((), dict.fromkeys(COLUMNS, "age"), "two columns would be 'age'", "each feature is one column"),
    ],
)
def test_other_names_than_the_pipeline_s_are_told(
    named: Described, given: tuple[str, ...], renamed: dict[str, str], said: str, hint: str
) -> None:
    with pytest.raises(ForeignPipelineError) as raised:
        agree(named, given, renamed)
    assert said in raised.value.message
    assert hint in raised.value.hint


@pytest.mark.parametrize(
    ("given", "renamed", "said"),
    [
        ((), {}, "an array of 2 columns without names"),
        (("a", "b", "c"), {}, "--features names 3, and the Pipeline was fitted on 2"),
        (("a", "a"), {}, "two columns would be 'a'"),
        (FEATURES, {"x": "y"}, "an array, whose columns have no names"),
    ],
)
def test_columns_without_names_need_as_many(
    nameless: Described, given: tuple[str, ...], renamed: dict[str, str], said: str
) -> None:
    with pytest.raises(ForeignPipelineError, match=said):
        agree(nameless, given, renamed)


def test_a_feature_that_the_data_do_not_have_is_told_with_the_nearest() -> None:
    with pytest.raises(ForeignPipelineError, match="needs 'recency', and these data have no") as raised:
        Agreed(("frequency", "recency"), ("frequency", "recency")).features(ORDER_FEATURES)
    assert raised.value.hint == "did you mean 'recency_days'?; --rename 'recency=OURS' says which it is"


def test_features_come_in_the_pipeline_s_order() -> None:
    found = Agreed(("monetary", "recency_days"), (None, None)).features(ORDER_FEATURES)
    assert [feature.name for feature in found] == ["monetary", "recency_days"]


def test_the_configuration_says_what_the_pipeline_does(named: Described, nameless: Described) -> None:
    agreed = Agreed(FEATURES, tuple(COLUMNS))
    done = configured(Configuration(), agreed, named)
    assert (done.features, done.clustering.k, done.redundant) == (FEATURES, 4, None)
    assert (done.preprocessing.winsorise, done.preprocessing.log1p, done.preprocessing.scale) == (None, False, True)
    kept = done.preprocessing.variance_kept
    assert kept is not None
    assert 0.4 < kept < 1
    assert configured(Configuration(), agreed, nameless).preprocessing.log1p
    assert configured(Configuration(), agreed, nameless).preprocessing.variance_kept is None
    assert [extremes(each) for each in (named, nameless)] == [False, True]


@pytest.mark.parametrize(
    ("assignment", "said", "hint"),
    [
        ("features=[annual_income, age]", "only the configuration has 'age'", "without `features`"),
        ("features=[annual_income]", "only the Pipeline has 'spending_score'", "has annual_income;"),
        ("minimum_history=auto", "is found by fits of our own", "minimum_history=1"),
        (
            "rule_segments=[{id: 1001, name: Old, when: [{feature: age, at_least: 60}]}]",
            "'Old' asks for 'age', which the Pipeline does not use",
            "it uses annual_income, spending_score",
        ),
    ],
)
def test_a_configuration_that_wants_otherwise_is_told(named: Described, assignment: str, said: str, hint: str) -> None:
    chosen = configuration.load("profiles", assignments=[assignment])
    with pytest.raises(ForeignPipelineError) as raised:
        configured(chosen, Agreed(FEATURES, tuple(COLUMNS)), named)
    assert said in raised.value.message
    assert hint in raised.value.hint
