"""The accepted events as server-sent events: one reader of the history for all streams of the process."""
