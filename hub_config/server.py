"""What runs inside a sandbox: the bridge's inside ends, then JupyterHub's single-user server."""

from hub_config.bridge import cross_from_inside


def main() -> None:
    """Serve one trainee until told to stop."""
    cross_from_inside()
    from jupyterhub.singleuser import main as serve

    serve()


if __name__ == "__main__":
    main()
