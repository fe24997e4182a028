"""viz of glassgrad."""

from __future__ import annotations

if __name__ != "glassgrad.viz":
    raise ImportError("the folder viz/ is installed as glassgrad.viz: write 'from glassgrad import viz'")
