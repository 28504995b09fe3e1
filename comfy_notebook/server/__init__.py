"""The one aiohttp application."""
