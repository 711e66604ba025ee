"""Chains of events on Kafka: envelope, digest, verdict, append, read, topic."""
