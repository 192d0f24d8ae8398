"""Puts stages and adapters together into processes, one file a process: from settings to what can be served."""
