"""Surrogate models of the objective, and what is maximized to find the next point."""
