#!/bin/sh
# The hub of docker-compose.yml: lessons, settings and first invitations, as `pscc academy up` makes them, then the hub itself.
set -eu
academy=/var/lib/pscc/academy
python -m courses.authoring build --to $academy/built >/dev/null
python -m hub_config.academy prepare --to $academy --lake /var/lib/pscc --listen 0.0.0.0 --port 8000
exec python -m hub_config.academy run hub --to $academy
