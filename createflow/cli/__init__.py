"""The command line: one module for each command, and what commands share.

Only this package imports Typer and Rich. A command reads its options, calls the tester or the reference, and shows the
result; it decides nothing about a target.
"""
