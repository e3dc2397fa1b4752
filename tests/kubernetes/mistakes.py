"""Mistakes to plant in manifests: each is a place in an object and what is put there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.kubernetes.objects import Manifests

GONE: Final = object()


@dataclass(frozen=True)
class Mistake:
    """Something that a check must find.

    Parameters
    ----------
    check
        Its name.
    kind, name
        Of the object.
    path
        Keys and positions with dots between them; a key that holds dots ends the path, after a slash.
    value
        What is put there, or made of what is there; GONE takes it away.
    overlay
        Where it is planted.
    """

    check: str
    kind: str
    name: str
    path: str
    value: Any
    overlay: str = "local"

    def __str__(self) -> str:
        value = "gone" if self.value is GONE else "changed" if callable(self.value) else self.value
        return f"{self.check}: {self.kind} {self.name} {self.path} {value}"

    def plant(self, manifests: Manifests) -> None:
        """Make the mistake."""
        path, _, last = self.path.partition("/")
        *way, end = [*path.split("."), last] if last else path.split(".")
        place: Any = manifests.one(self.kind, self.name)
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        where: Any = int(end) if isinstance(place, list) else end
        before = place[where] if isinstance(place, list) else place.get(where)
        if self.value is GONE:
            del place[where]
        else:
            place[where] = self.value(before) if callable(self.value) else self.value
        after = None if self.value is GONE else place[where]
        assert after != before, f"{self} changes nothing"


def without(*names: str) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    """A list of named things without some of them."""
    return lambda items: [item for item in items if item["name"] not in names]


def plus(*more: Any) -> Callable[[list[Any]], list[Any]]:
    """A list with more in it."""
    return lambda items: [*items, *more]


def upside_down(items: list[Any]) -> list[Any]:
    """A list from its end."""
    return items[::-1]
