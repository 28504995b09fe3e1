"""Models as objects: reading checkpoints, networks, text encoding, autoencoders, patches, memory, sampling."""
