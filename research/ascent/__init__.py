"""Gradient ascent on an input: what to excite, how the input is written, random transforms, and the ascent itself.

Nothing here knows a model: a net comes as a function (parameters, pictures) -> {name: activations}.
"""
