"""What a model is made of, as a tree, a table and a treemap."""
