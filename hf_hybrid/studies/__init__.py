"""Studies: questions that take many models to answer, as commands (`hf-hybrid study`).

`design` reads what is to be trained, which is data (`arms_static.yaml`), `arms` trains and scores it, `jobs` runs
every command in a process of its own that can be stopped and gone on with, `teacher` makes a teacher's vectors first,
`provenance` writes down what made each model.
"""
