"""The command line: options in, one call, a drawing of the result out."""
