"""Attacks on a release before it is published, and what it is still good for."""
