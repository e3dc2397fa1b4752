"""Settings come from the environment, typed, and misspelt ones are found."""

import pytest

from segmentation.errors import ConfigurationError
from segmentation.settings import Settings, load


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


def test_a_value_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="SEGMENTATION_MAX_CUSTOMERS: Expected `int`"):
        load({"SEGMENTATION_MAX_CUSTOMERS": "many"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REFRESH_SECONDS", "0"), ("REFRESH_SECONDS", "nan"), ("REFRESH_SECONDS", "inf"), ("MAX_ORDERS", "-1"),
        ("LOG_LEVEL", "LOUD"),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"SEGMENTATION_{name}"):
        load({f"SEGMENTATION_{name}": value})
