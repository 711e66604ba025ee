"""What every process does alike: settings, logging, stopping, health, metrics."""
