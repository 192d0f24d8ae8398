"""What a run wrote: the record of every write, and a sample that is large enough to see rare defects.

What may enter: data about writes and how they are made. What a store shows of them is looked up elsewhere.
"""
