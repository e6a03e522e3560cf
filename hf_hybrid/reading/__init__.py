"""Extractive question answering: passages cut into windows, a reader that finds spans in them, and its training.

transformers 5 has neither the pipeline ``question-answering`` nor SQuAD's processors any more, but still the models
(`AutoModelForQuestionAnswering`), tokenizers that cut windows with a stride and offsets, and the trainer: those are
used.
"""
