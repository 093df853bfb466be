try:
    import imp as imp
except ImportError:
    import importlib as imp
