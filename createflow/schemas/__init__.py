"""What all parts agree on: the contract. Imports nothing of ours and does no I/O beyond reading its own files."""
