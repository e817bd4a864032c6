"""What makes a table anonymous, and what proves it."""
