"""Users with their profiles and presence, logins, and blocks between users.

Start with `models.py`, then `services.py`, which `api.py` and `pages.py` call.
"""
