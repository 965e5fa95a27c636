"""What the Look panel is made of: what is shown of maps, and the widgets it is chosen with."""
