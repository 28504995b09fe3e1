"""``app``: what packs ask of the server program."""
