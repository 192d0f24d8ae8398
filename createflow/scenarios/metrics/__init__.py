"""The numbers of a load while it goes on, for Prometheus and OTLP."""
