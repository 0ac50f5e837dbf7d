"""
`manage.py up`: everything Parado needs on one machine, as one tree of processes.
"""
