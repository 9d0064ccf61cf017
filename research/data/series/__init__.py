"""Time series: read, put on regular steps, split in time, and cut into windows."""
