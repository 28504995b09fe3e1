"""Small changes to large weights: the file formats, which weights they mean, how they are added."""
