"""
What an owner's rules would have made of their car's past, and what that says of a usual month.
"""
