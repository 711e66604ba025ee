"""The API described by OpenAPI 3.1: from routes, rules of fields and records; only words are written here."""
