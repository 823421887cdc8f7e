"""What people and programs touch: the command line, the page and the HTTP interface."""
