"""Which engine trains, whether it is the one asked for, and what differs between them."""
