"""Modules for running ChatFlow: backup, health, metrics, logs and email.

Management commands, URLs and the logging settings use them; they are independent of each other.
"""
