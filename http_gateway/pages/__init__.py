"""The gateway's own pages, which mailed links lead to where no front end has some."""
