"""Code that all API modules share: parsing, pagination, and the OpenAPI schema.

Start with `parsing.py`.
"""
