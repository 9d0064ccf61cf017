"""Classifiers of pictures; `task` lists what they provide."""
