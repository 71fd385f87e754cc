"""From the command line to the things to check, and from an exception to one line."""
