"""Fetching bricks: trusted, resumed, switched at once, and taken back."""
