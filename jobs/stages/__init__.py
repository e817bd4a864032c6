"""The stages of a delivery: judge, load, publish. Each can be called alone, by ids only, and again after any crash.

A stage does not believe its caller that there is work: it looks into the landing folder and the ledger, under the lease of the hospital. Whoever
comes later finds the work done.
"""
