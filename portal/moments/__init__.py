"""
One moment of a car, explained: which was asked about, how it was judged, and in what words.
"""
