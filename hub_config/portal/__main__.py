"""Run the service: `python -m hub_config.portal`, as the hub does."""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from hub_config.portal.app import serve
from hub_config.portal.settings import Settings

THREADS = 40


async def main() -> None:
    """Serve until told to stop."""
    # A function that is tried holds a thread for seconds; who hands in a number waits for none of them.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "checks"))
    academy, ended = serve(Settings.from_environment()), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    try:
        await ended.wait()
    finally:
        # The record of attempts is sealed once more.
        academy.checking.close()


if __name__ == "__main__":
    # The hub stops its services by an interrupt.
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
