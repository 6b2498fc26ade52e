"""Crossproducts of the blocks of a design, as every criterion takes them."""
