"""Run the service: `python -m hub_config.portal`, as the hub does."""

import asyncio
from contextlib import suppress

from hub_config.portal.app import serve
from hub_config.portal.settings import Settings


async def main() -> None:
    """Serve until told to stop."""
    serve(Settings.from_environment())
    await asyncio.Event().wait()


if __name__ == "__main__":
    # The hub stops its services by an interrupt.
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
