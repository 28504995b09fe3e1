"""Prints every figure, one table after the other."""

from __future__ import annotations

from . import canvas, engine, kernel, notebook, sampling, serving

if __name__ == "__main__":
    kernel.main()
    engine.main()
    serving.main()
    notebook.main()
    canvas.main()
    sampling.main()
