"""``comfy``: helpers that packs call; what is not here is a stand-in."""
