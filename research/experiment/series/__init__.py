"""Forecasters of series; `task` lists what they provide."""
