"""The REST command API."""
