"""Limits on what one user, address or socket may do.

`policy.py` is the table of all limits; services and sockets consume from it. `reads.py` applies the
one on reading to pages and the API. `token_bucket.py` counts, `concurrency.py` limits how many do
something at once.
"""
