"""Rules to tell each fault of served values from a change of the world.

Each module looks at the counts of the training rows and of a window for one kind of fault.
"""
