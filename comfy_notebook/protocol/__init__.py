"""What a node is: types, definitions, the live registry."""
