"""From the log to Postgres: batch loop, checkpoint, lease, generations, quarantine."""
