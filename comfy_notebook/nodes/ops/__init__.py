"""Tensor maths of the built-in nodes, one subject per module. Importing these modules imports torch."""
