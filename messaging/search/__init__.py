"""Full-text search over encrypted messages.

API and pages call `results.search`; services keep the index up to date through `postings`. Start
with the docstring of `postings.py`, which explains the index.
"""
