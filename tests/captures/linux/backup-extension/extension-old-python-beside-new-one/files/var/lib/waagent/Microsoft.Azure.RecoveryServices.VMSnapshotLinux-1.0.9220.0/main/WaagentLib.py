# Stands for the library of the agent.
import crypt
import os
from distutils.version import LooseVersion
