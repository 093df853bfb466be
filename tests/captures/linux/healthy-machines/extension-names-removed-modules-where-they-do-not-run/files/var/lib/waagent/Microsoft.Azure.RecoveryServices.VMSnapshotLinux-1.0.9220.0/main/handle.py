import os
from Utils import WAAgentUtil
