"""The editor as a notebook widget."""
