"""One module per resource: from a request to a write or a read, and to its answer."""
