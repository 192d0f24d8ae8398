"""The job, the ports and the rules that stages share."""
