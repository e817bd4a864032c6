"""The stages of a delivery: judge, load, publish. Each can be called alone, by ids only, and again after any crash.

What is to be done is always read from the landing folder and the ledger. A stage works under the lease of its hospital; whoever comes
later finds the work done.
"""
