"""The tester: it knows the target only by HTTP, by the profile, and by read-only probes."""
