"""What texts have in common, and whether a training set holds text of an evaluation set: find it, report it, leave it
out.

`comparable_text` and `near_duplicates` compare texts; `scan` compares data sets, `report` writes what was found,
`filtering` writes the training set without it, `candidates` looks across languages with an encoder;
`run.decontaminate` is all of them, as the command `hf-hybrid decontaminate` runs it.
"""
