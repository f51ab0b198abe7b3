#!/usr/bin/env python3
"""Makes the captures of this folder. As root: make.py -l | [-j N] CASE... | all | missing"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import attack  # noqa: E402,F401
import backscatter  # noqa: E402,F401
import benign  # noqa: E402,F401
import beside  # noqa: E402,F401
import estate  # noqa: E402,F401
import further  # noqa: E402,F401
import habits  # noqa: E402,F401
import logins  # noqa: E402,F401
import peers  # noqa: E402,F401
import recon  # noqa: E402,F401
import reflected  # noqa: E402,F401
import scans  # noqa: E402,F401
from lab import main  # noqa: E402

sys.exit(main(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), sys.argv[1:]))
