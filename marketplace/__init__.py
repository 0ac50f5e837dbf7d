"""
What buyers can book: pools, prices, capacity by the hour, and the bookings themselves.
"""
