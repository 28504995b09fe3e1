"""Modules under which packs know the models; they load torch, so :mod:`..aliases` leads to them on first import."""
