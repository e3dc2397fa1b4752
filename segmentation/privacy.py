"""What may be told of customers, and of how many at least."""

SMALLEST_GROUP = 10
"""No group of fewer customers is described in an artefact."""
