"""Writers that both kinds of report share: text, HTML frame, JUnit, Markdown, workflow commands.

A module enters when it knows a file format and nothing of a report.
"""
