"""What a division of customers is worth, measured the same way whoever made it: numbers, verdict, picture."""
