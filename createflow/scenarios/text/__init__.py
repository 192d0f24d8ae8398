"""Text that may be shown: masked, printable, addressed."""
