"""The numbers of a load while it goes on, for monitoring systems: scraped by Prometheus, pushed as OTLP."""
