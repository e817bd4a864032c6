"""The academy's pages and its check API: one service that the hub starts and that people meet first."""
