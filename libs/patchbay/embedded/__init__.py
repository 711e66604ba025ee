"""Real Kafka and Postgres as child processes of this one."""
