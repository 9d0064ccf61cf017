"""The command lines: argv -> one call -> exit code. What they print is for people; files are for programs."""
