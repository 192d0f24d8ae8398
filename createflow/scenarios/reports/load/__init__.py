"""Reports of load runs.

``verdict`` and ``sections`` hold what is reported, whatever the format. One module for each format (``as_*``) renders
it and is registered in ``renderers``. ``charts`` draws the charts of the HTML page.
"""
