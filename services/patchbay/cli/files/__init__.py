"""What `patchbay up` consists of: one data directory, its processes, and their keeper."""
