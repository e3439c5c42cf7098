"""Encryption at rest: a data key per conversation, wrapped by the keys of MESSAGE_KEYS.

Used by the services of conversations and messaging. Start with `envelope.py`, which knows no
models; `checks.py` and `rotation.py` read the stored keys.
"""
