"""Uploaded images are decoded in a process of its own with limited time and memory.

Avatars and attachments call `process.decoded`; `decoder.py` is the program that it runs.
"""
