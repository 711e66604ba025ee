"""How long an example may take: as long as it needs, for other tests may have the processor."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
