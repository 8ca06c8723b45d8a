"""What runs within vLLM's own process and environment; it imports nothing of the project.

The folder is on the path of that process (``PYTHONPATH``), so each module here is found by its own
name.
"""
