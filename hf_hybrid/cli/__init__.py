"""The command `hf-hybrid`: one module a verb."""
