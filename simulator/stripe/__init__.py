"""
A small Stripe with state: accounts, payments, transfers, payouts, events.

A test instrument. Every request and every answer is checked against the types
that stripe-python ships, so that it cannot drift into fiction.
"""
