"""Files of weights: reading them, knowing what they are, mapping them to modules."""
