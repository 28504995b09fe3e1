"""Families of diffusion models: how each is recognised, built, and spoken to."""
