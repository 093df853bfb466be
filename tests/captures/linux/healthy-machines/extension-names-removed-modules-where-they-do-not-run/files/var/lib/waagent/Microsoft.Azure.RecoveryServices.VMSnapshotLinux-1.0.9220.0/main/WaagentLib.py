import os
try:
    from crypt import crypt
except ImportError:
    pass
script = """
import imp
"""
def later():
    import distutils.version
