"""Authentication: passwords, tokens, sessions, device cookies and limits on failed logins.

Called by `accounts.services` and by the settings (middleware, hashers, DRF). Start with
`authentication.py` for the API and `middleware.py` for pages.
"""
