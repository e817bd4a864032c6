"""The academy's hub: who may log in, what a trainee's server can see, and what starts and stops together."""
