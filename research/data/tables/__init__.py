"""Tables: from files and frames to arrays of numbers and levels."""
