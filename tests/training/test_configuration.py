"""YAML to a frozen configuration; what is wrong is told with file, line and key."""

from pathlib import Path

import pytest

from segmentation.errors import ConfigurationError
from segmentation.recipe import Winsorise
from training.configuration import Configuration, load


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "my.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_changes_the_preset_and_a_flag_changes_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "seed: 3\nclustering: {n_init: 2}\npreprocessing: {winsorise: {lower: 0.05}}\n")
    configuration = load("olist", path, ["clustering.k=7"])
    assert configuration.seed == 3
    assert (configuration.clustering.k, configuration.clustering.n_init) == (7, 2)
    assert configuration.preprocessing.winsorise == Winsorise(0.05, 0.99)


def test_steps_can_be_switched_off(tmp_path: Path) -> None:
    path = written(tmp_path, "preprocessing:\n  winsorise: null\n  scale: false\n  variance_kept: null\n")
    preprocessing = load("sample", path).preprocessing
    assert (preprocessing.winsorise, preprocessing.scale, preprocessing.variance_kept) == (None, False, None)


def test_a_source_without_a_preset_has_the_defaults() -> None:
    assert load("no such source") == Configuration()


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert load("sample", written(tmp_path, "# nothing\n")) == load("sample")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("seeed: 1\n", "line 1: unknown key 'seeed'", "'seed'"),
        ("seed: 1\nclustering:\n  kk: 4\n", "line 3: unknown key 'clustering.kk'", "'k'"),
        ("preprocessing:\n  winsorise:\n    uper: 1\n", "line 3: unknown key 'preprocessing.winsorise.uper'", "'upper'"),  # noqa: E501
        ("seed: 1\nseed: 2\n", "line 2: 'seed' is set twice", "one of the two"),
        ("clustering: 5\n", "line 1: clustering holds no keys", "k, n_init"),
        ("- a\n- b\n", "holds no keys", "seed"),
        ("seed: 1\n  k: [\n", "line 2: this is not YAML", "indentation"),
        ("k: 3\nseed: 2001-99-99\n", "line 2 holds a value that YAML cannot read", "mend"),
        ("[" * 20_000, "YAML", ""),
        ("seed: 1\nclustering:\n  k: five\n", "line 3: clustering.k: Invalid enum value", "configuration.md"),
        ("clustering: {k: 1}\n", "clustering.k", "configuration.md"),
        ("clustering: {k: 5.5}\n", "clustering.k", "configuration.md"),
        ("preprocessing: {variance_kept: 2}\n", "variance_kept", "configuration.md"),
        ("preprocessing: {winsorise: {lower: 0.0}}\n", "winsorise.lower", "configuration.md"),
        ("features: recency_days\n", "features", "configuration.md"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(tmp_path: Path, text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load("sample", written(tmp_path, text))
    assert message in refused.value.message
    assert hint in refused.value.hint
    assert refused.value.exit_status == 2


def test_a_file_that_is_not_there_or_not_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load("sample", tmp_path / "nowhere.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"seed: 1 # \xe9\n")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        load("sample", tmp_path / "latin.yaml")


@pytest.mark.parametrize("assignment", ["clustering.k", "=4", "clustering.kk=4"])
def test_an_assignment_that_sets_nothing_is_refused(assignment: str) -> None:
    with pytest.raises(ConfigurationError):
        load("sample", assignments=[assignment])
