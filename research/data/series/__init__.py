"""Time series: read, put on regular steps, split in time, and sliced into windows."""
