"""Keeping the libraries' own log lines off the terminal of a command: what matters, the command says itself."""

import logging

import structlog


def quieten_libraries() -> None:
    """Show no log lines from here on; Kafka's client alone writes a hundred a second while its broker is away."""
    logging.getLogger().handlers[:] = [logging.NullHandler()]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
