"""The academy's courses: their sources, what a notebook imports, how answers are checked, how courses are built."""
