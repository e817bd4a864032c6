"""A site's services in containers: what each one runs that is not a program of somebody else."""
