import crypt
import os
