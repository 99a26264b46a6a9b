"""The command line's verbs, one a file: its flags, its words and its exit code.

A verb's module is light, since every call imports all of them. It imports its libraries when it
runs, in the venv that holds TFX.
"""
