"""Adversarial attacks that change few pixels: differential evolution, exhaustive search, and random pixels."""
