def from_api(prompt, info): raise NotImplementedError
