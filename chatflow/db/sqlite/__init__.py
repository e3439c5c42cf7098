"""Django's SQLite backend with a first-come-first-served write lock.

The settings name it as the ENGINE. Start with `base.py`.
"""
