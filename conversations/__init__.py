"""Conversations, memberships, roles, the conversation list, and encryption at rest.

Start with `models.py`, then `services.py`. `access.py` finds a conversation for a user.
"""
