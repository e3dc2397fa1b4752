"""The trees that are drawn are those that there are."""

import re
from types import ModuleType

import pytest

import campaigns.errors
import segmentation.errors
import service.errors
from segmentation.errors import SegmentationError

_LINE = re.compile(r"^([ │]*[├└]── |)(\w+Error)\b(.*)$")


def drawn(module: ModuleType) -> dict[str, tuple[str, str]]:
    """Parent and remark of each class in a module's drawing."""
    found: dict[str, tuple[str, str]] = {}
    above: list[tuple[int, str]] = []
    for line in str(module.__doc__).splitlines():
        matched = _LINE.match(line.removeprefix("    "))
        if matched:
            depth = len(matched[1])
            above = [(at, name) for at, name in above if at < depth]
            found[matched[2]] = (above[-1][1] if above else "", matched[3])
            above.append((depth, matched[2]))
    return found


def made(module: ModuleType) -> dict[str, type[SegmentationError]]:
    """Classes of errors that a module defines."""
    return {
        name: one
        for name, one in vars(module).items()
        if isinstance(one, type) and issubclass(one, SegmentationError) and one.__module__ == module.__name__
    }


@pytest.mark.parametrize("module", [segmentation.errors, campaigns.errors, service.errors])
def test_the_tree_that_is_drawn_is_the_one_there_is(module: ModuleType) -> None:
    tree, classes = drawn(module), made(module)
    assert classes.keys() <= tree.keys()
    assert {name for name in tree if not hasattr(module, name)} == set()
    for name, one in classes.items():
        parent, remark = tree[name]
        assert parent in ("", one.__base__.__name__ if one.__base__ else None), name
        for said, told in (("exit", one.exit_status), ("HTTP", one.http_status)):
            for number in re.findall(rf"{said} (\d+)", remark):
                assert int(number) == told, name


def test_no_two_errors_have_one_code() -> None:
    codes = [
        one.code for module in (segmentation.errors, campaigns.errors, service.errors) for one in made(module).values()
    ]
    assert len(codes) == len(set(codes))


def test_exit_statuses_of_campaigns_are_those_documented() -> None:
    told = {name: one.exit_status for name, one in made(campaigns.errors).items()}
    others = {"WarehouseBusyError": 4, "WarehouseUnavailableError": 5}
    assert told == dict.fromkeys(told, 2) | others
