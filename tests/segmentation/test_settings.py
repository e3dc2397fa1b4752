"""Settings come from the environment, typed, and misspelt ones are found."""

from dataclasses import fields

import pytest

from segmentation.errors import ConfigurationError
from segmentation.settings import PREFIX, Settings, load


def test_values_are_read_as_their_type() -> None:
    settings = load({"SEGMENTATION_REFRESH_SECONDS": "5", "SEGMENTATION_MAX_CUSTOMERS": "7", "PATH": "/bin"})
    assert settings == Settings(refresh_seconds=5.0, max_customers=7)


def test_a_misspelt_setting_is_refused_with_the_nearest_match() -> None:
    with pytest.raises(ConfigurationError) as refused:
        load({"SEGMENTATION_REGISTY": "x"})
    assert refused.value.hint == "did you mean SEGMENTATION_REGISTRY?"


def test_what_kubernetes_sets_for_a_service_of_our_name_is_no_mistake() -> None:
    environment = {
        "SEGMENTATION_SERVICE_HOST": "10.0.0.1", "SEGMENTATION_PORT": "tcp://10.0.0.1:80",
        "SEGMENTATION_REGISTRY_PORT": "tcp://10.0.0.2:80",
    }  # fmt: skip
    assert load(environment | {"SEGMENTATION_TEST_DATA": "x"}) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("MAX_CUSTOMERS", "many", "a whole number from 1 to 1,000,000,000"),
        ("MAX_ORDERS", "-1", "a whole number from 1 to 1,000,000,000"),
        # msgspec's decoder takes no such limit on the length of an array: the service never became ready.
        ("MAX_CUSTOMERS", "99999999999999999999", "a whole number from 1 to 1,000,000,000"),
        ("BASELINE_CUSTOMERS", "0", "a whole number from 100 to 1,000,000,000"),
        ("METRICS_PORT", "tcp://10.0.0.1:80", "a whole number from 1 to 65,535"),
        ("REFRESH_SECONDS", "0", "a number from 0.05 to 86,400"),
        ("REFRESH_SECONDS", "nan", "a number from 0.05 to 86,400"),
        ("REFRESH_SECONDS", "1e999", "a number from 0.05 to 86,400"),
        ("DRAIN_SECONDS", " ", "a number from 0 to 600"),
        ("ALLOW_ANONYMOUS", "yes", "true or false"),
        ("REQUIRE_SIGNATURE", "always", "true or false"),
        ("LOG_LEVEL", "debug", "DEBUG, INFO, WARNING or ERROR"),
        ("LOG_FORMAT", "JSON", "json or text"),
    ],
)
def test_a_value_that_a_setting_does_not_take_is_refused_and_what_it_takes_is_said(
    name: str, value: str, wanted: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load({f"SEGMENTATION_{name}": value})
    assert refused.value.message == f"SEGMENTATION_{name} is {value!r}; it takes {wanted}"
    assert refused.value.hint == "see docs/settings.md"


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert load({f"{PREFIX}{item.name.upper()}": "" for item in fields(Settings) if item.name != "alias"}) == Settings()
    assert load({"SEGMENTATION_ALIAS": ""}).alias == "", "nobody means production who sets an alias to nothing"
