"""
Stand-ins for the two systems that Parado talks to: the payment provider and
the fleet scheduler. Nothing here imports an app of the project.
"""
