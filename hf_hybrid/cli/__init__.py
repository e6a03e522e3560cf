"""The command `hf-hybrid`: one module a verb, each with one `Command`; `main.py` is their table.

To add a verb, write a module with a `Command` and add it to `COMMANDS`. Flags that several verbs take are in
`flags.py`. A module imports nothing heavy before its verb runs.
"""
