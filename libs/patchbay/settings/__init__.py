"""Settings: structs that are decoded from the environment, or from files that it names; of the commands too."""

from patchbay.settings.decoding import decode_settings
from patchbay.settings.errors import Refused, SettingsError
from patchbay.settings.kafka import KafkaSettings, without_kafka_settings
from patchbay.settings.secret import FromText, Secret

__all__ = [
    "FromText",
    "KafkaSettings",
    "Refused",
    "Secret",
    "SettingsError",
    "decode_settings",
    "without_kafka_settings",
]
