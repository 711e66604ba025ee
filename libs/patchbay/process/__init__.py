"""What every process does alike: settings, logging, stopping, health, metrics."""

from patchbay.process.health import Check, Health
from patchbay.process.lifecycle import run
from patchbay.process.logs import configure_logging, log_frequent
from patchbay.process.settings import ProcessSettings, load_settings
from patchbay.settings import FromText, KafkaSettings, Secret, SettingsError, decode_settings

__all__ = [
    "Check",
    "FromText",
    "Health",
    "KafkaSettings",
    "ProcessSettings",
    "Secret",
    "SettingsError",
    "configure_logging",
    "decode_settings",
    "load_settings",
    "log_frequent",
    "run",
]
