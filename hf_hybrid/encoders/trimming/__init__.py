"""An encoder's vocabulary cut to the languages of a corpus."""
