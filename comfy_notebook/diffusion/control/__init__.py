"""Networks that steer another by a picture: ControlNet."""
