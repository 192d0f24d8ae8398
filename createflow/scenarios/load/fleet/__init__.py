"""The parent's side of a load: start the load processes, watch them, stop them, and merge what they send.

The load processes are started as modules and never imported: gevent and Locust stay out of the parent. Nothing here
judges the results.
"""
