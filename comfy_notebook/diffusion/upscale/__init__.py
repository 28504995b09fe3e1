"""Networks that make pictures larger."""
