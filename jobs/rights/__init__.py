"""Requests of people that come to the platform itself: opposition, its lift, and erasure with proof."""

from jobs.rights.requests import carry_out, due, listed, received, shown, withdraw

__all__ = ["carry_out", "due", "listed", "received", "shown", "withdraw"]
