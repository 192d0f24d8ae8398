"""What was sent and what came back, over whatever connection, and what happened meanwhile.

What may enter: records of exchanges, and who is told of them.
"""
