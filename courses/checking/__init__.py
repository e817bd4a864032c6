"""Answers of trainees: what is expected of each, what is said about it, what they have passed."""
