"""The job, the ports and the rules that stages share.

What several stages or processes need and what uses no driver, no SQL and no HTTP framework belongs here.
"""
