"""The process that folds the log into the read model and the history."""
