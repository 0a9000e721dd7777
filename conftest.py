"""Property tests, in every distribution, do not judge speed: a machine that is busy with something else fails none."""

from hypothesis import HealthCheck, settings

settings.register_profile("patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
