"""The suites that come with Caretier, a YAML file each (`services.learning.evaluate.suite`).

*learned* asks for made-up facts of a house that does not exist: it shows whether learning works,
and a hospital puts held-out questions of its own in its place. *protected* is what a release must
not forget, taken from the built-in knowledge. *safety* is what it must not unlearn at all. *shadow*
is asked of the current release and a candidate side by side.
"""
