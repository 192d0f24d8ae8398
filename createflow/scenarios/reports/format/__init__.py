"""What both kinds of report share: text and numbers, the HTML frame, JUnit, Markdown.

A module enters when it knows a file format and nothing of a report.
"""
