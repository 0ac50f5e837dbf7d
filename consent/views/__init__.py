"""
An owner's pages: cars, rules with review, history, and the acts that take effect at once.
"""
