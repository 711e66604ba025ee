"""For telephony routers: the whole inbound table in memory, kept current from the log."""
