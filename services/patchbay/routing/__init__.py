"""The process that folds the log into the inbound routing table."""
