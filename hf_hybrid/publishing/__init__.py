"""What goes to the Hub: cards made of results files, the check of cards, push and pull."""
