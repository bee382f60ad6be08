"""How hard hypothesis tries: the same examples every time, and quickly; `HYPOTHESIS_PROFILE=thorough` looks for new ones."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile("house", deadline=None, derandomize=True, max_examples=80, database=None)
settings.register_profile(
    "thorough", deadline=None, max_examples=5000, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))
