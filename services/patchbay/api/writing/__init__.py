"""From a command to its verdict: group commit on chains, with no lock and no leader."""
