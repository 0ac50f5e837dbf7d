"""
What the fleet's scheduler calls: decisions, telemetry, and the feed of consent.
"""
