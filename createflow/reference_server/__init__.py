"""The tested: a real implementation of the sixteen steps, in three kinds of process, and the stack around it."""
