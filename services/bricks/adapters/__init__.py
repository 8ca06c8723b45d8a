"""Adapters in their two formats, and models on their way to a quantised file."""
