"""Sampling: noise levels, schedules, solvers, guidance and what conditions it. ``ksampler`` alone needs no torch.

A solver (``solvers/``) walks along sigmas and calls a guider (``guiders``); the guider runs the network on its
conditionings (``cond_batch``) and combines what comes back. ``samplers``, ``sample``, ``k_diffusion`` and
``model_sampling`` are what custom nodes import as ``comfy.samplers``, ``comfy.sample`` …: the very same modules, whose
functions they replace, so whatever calls such a function looks it up in its module at the time of the call.
"""
