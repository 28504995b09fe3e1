"""Built-in nodes, one module for each family."""
