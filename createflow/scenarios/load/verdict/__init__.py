"""What the numbers of a load run mean: targets met or missed, validity, comparison with a baseline, and the report.

Everything here is computed from finished results. Nothing measures, sends or stores.
"""
