"""The endpoint under test: its contract, its HTTP, its principals."""
