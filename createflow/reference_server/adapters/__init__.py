"""What the ports become: PostgreSQL, Valkey, NATS and the search engine; and in-memory twins for tests."""
