"""The commands of `pscc`, a module for each kind of user; `jobs.cli` gives them their names and their order."""
