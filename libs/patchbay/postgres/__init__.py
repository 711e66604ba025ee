"""Postgres: pools with bounded waits, and notifications that survive a dead connection."""
