"""The one engine that optimizes an input: what to excite, how the input is written, what it must endure, the climb.

Nothing here knows a model: a net comes as a function (parameters, pictures) -> {name: activations}.
"""
