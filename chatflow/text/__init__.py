"""Rules for text: which text is visible, how it is split into words, and which emoji exist.

Models, forms, serializers and both searches use them.
"""
