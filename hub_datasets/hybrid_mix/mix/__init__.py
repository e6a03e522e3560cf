"""The training mix: open multilingual sets, each with a small reader, as renditions with source and licence.

`parts` names the sets and their readers, `filters` and `language_check` say which texts are good enough, `duplicates`
and `splits` keep repeated text apart, `build` puts it all together, `card` writes the numbers down. The command is
`hub_datasets/hybrid_mix/build.py`.
"""
