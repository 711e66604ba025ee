"""How long an example of a property may take: as long as it needs, for other tests may have the processor."""

from hypothesis import HealthCheck, settings

PROFILE = "unhurried"

settings.register_profile(PROFILE, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(PROFILE)
