"""The `patchbay` command: up, demo, accounts, keys, numbers and the log."""
