"""What differs between the engines: Django database backends and the serializer of the Redis cache.

Only the settings name these modules. Start with `sqlite/base.py`.
"""
