"""From prompts to conditioning: weights in brackets, tokens, chunks, encoders."""
