"""Training of a reader: an encoder learns to find answers in passages, by the trainer of transformers."""
