"""From texts to ranks: encoding, and exact ranks of the relevant candidates."""
