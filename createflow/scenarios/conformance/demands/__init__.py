"""What each check fails on, and who demands it: a sentence of a standard, or a key of the profile.

Only data, and the page that shows it. A check at must level names a MUST or a key here; ``tests`` hold it to that.
"""
