"""What the blueprints share: the live model, what is counted and the access of their application."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from service.access import Access
from service.drift.watch import Watch
from service.live_model import LiveModel
from service.metrics import Counters

KEY = "segmentation"


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The parts of a running application."""

    live_model: LiveModel
    counters: Counters
    access: Access
    watch: Watch


def state() -> State:
    """The parts of the application that answers the current request.

    Returns
    -------
    State
        Set by `create_app`.
    """
    return cast(State, current_app.extensions[KEY])
