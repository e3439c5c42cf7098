"""The export of a user's own data as a zip archive, for the API and the settings page.

Start with `archive.py`; `download.py` turns it into a streamed response.
"""
