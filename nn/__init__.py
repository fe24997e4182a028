"""nn of glassgrad."""

from __future__ import annotations

if __name__ != "glassgrad.nn":
    raise ImportError("the folder nn/ is installed as glassgrad.nn: write 'from glassgrad import nn'")
