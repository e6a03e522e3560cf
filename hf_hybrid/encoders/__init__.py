"""Encoders: loaded or built, adapted, their tokenizers trained, saved."""
