"""What is measured, on which clock, and what is made of it."""
