"""Attachments: pictures, videos, voice messages and other files of a message.

A client uploads each file to a conversation and then names it in a message. Until then only the
uploader can see it. Start with `models.py`, then `services.py`, which the API calls. `files.py`
stores the encrypted bytes, `types.py` finds out what an upload is, and `serving.py` answers with
the bytes.
"""
