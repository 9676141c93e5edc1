"""How many examples property tests try, and where these come from.

`make test` tries the same examples every time. `make test-explore` searches: fresh examples, and more of them. What it
finds is added as an `@example` to the test that failed, when it is mended.
"""

from typing import Any

from hypothesis import HealthCheck, settings

__all__ = ["examples", "register_profiles"]

_FIXED, _EXPLORE = "fixed", "explore"
_FACTOR = 2
"""`make test-explore` tries so many times the examples; it takes two to three minutes on two cores."""
_DEFAULT = 100


def register_profiles() -> None:
    """Register both profiles with Hypothesis and load the fixed one. `--hypothesis-profile` loads the other later."""
    # A slow machine is not a fault of what is tested.
    patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile(_FIXED, patient, derandomize=True, database=None, max_examples=_DEFAULT)
    settings.register_profile(_EXPLORE, patient, print_blob=True, max_examples=_DEFAULT * _FACTOR)
    settings.load_profile(_FIXED)


def examples(count: int, **more: Any) -> settings:
    """Make the settings of a property test that tries `count` examples; `more` as `hypothesis.settings` takes it."""
    factor = _FACTOR if settings.get_current_profile_name() == _EXPLORE else 1
    return settings(max_examples=count * factor, **more)
