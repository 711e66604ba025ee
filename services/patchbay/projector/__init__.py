"""The process that folds the log into the read model and the history."""

from patchbay.importing import without

with without("rich"):  # structlog would take it along, for tracebacks in colours: a tenth of the start
    import structlog  # noqa: F401 -- for all who import it later
