"""Reports of conformance runs: the verdict, and one module for each format (``as_*``, registered in ``renderers``)."""
