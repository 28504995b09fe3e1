"""The figures of speed and size: ``python -m benchmarks``."""
