"""Predictors of a column of a table; `task` lists what they provide."""
