"""What we claim about speed, each claim measured beside the bare floor that it is held against."""
