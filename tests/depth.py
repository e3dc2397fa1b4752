"""How far tests go: all the way where CI=true, less far for whoever waits for them."""

import os

THOROUGH = os.environ.get("CI", "").lower() == "true"


def examples(number: int) -> int:
    """How many examples Hypothesis tries: all in CI, otherwise a quarter."""
    return number if THOROUGH else max(number // 4, 10)
