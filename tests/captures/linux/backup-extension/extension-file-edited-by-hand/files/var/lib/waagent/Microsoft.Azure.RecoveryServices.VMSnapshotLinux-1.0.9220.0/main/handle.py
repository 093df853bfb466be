#!/usr/bin/env python
# Stands for the program of the extension.
from Utils import WAAgentUtil

WAAgentUtil.load()
# patched
