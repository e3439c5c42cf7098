"""Messages: history, receipts and reactions, and their delivery, search and moderation.

Start with `models.py`, then `services.py`: API, pages and sockets call the services.
"""
