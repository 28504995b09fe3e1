"""Solvers of the reverse process, one module for each family of methods.

Every one is called ``sample_x(model, x, sigmas, extra_args=None, callback=None, disable=None, …)``: ``model(x, sigma,
**extra_args)`` answers the denoised latent for ``x`` ``[B,…]`` and ``sigma`` ``[B]``; ``callback({x, i, sigma,
sigma_hat, denoised})`` is called before each step; ``disable`` hides progress bars, of which there are none here.
"""
