"""Reports about messages and users, and what moderators do about them in the admin.

Members report through `reports.py`; moderators act through `actions.py`. Start with `models.py`.
"""
