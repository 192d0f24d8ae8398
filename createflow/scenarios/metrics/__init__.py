"""The metrics of a load while it runs, for Prometheus and OTLP.

``run_metrics`` defines every metric once; each exporter is a module that reads them. Metrics never change a run: an
exporter that fails is reported and costs nothing else.
"""
