#!/bin/bash
# What the public image does when it starts: KAFKA_PROCESS_ROLES becomes process.roles, the folder is formatted once, then the broker runs.
set -euo pipefail
env | sed -n 's/^KAFKA_//p' | grep -v '^HEAP_OPTS=' | while IFS='=' read -r name value; do
  name=${name,,}
  echo "${name//_/.}=$value"
done >/tmp/server.properties
cd /opt/kafka
java -cp 'libs/*' kafka.tools.StorageTool format --ignore-formatted -t "${CLUSTER_ID:-5L6g3nShT-eMCtK--X86sw}" -c /tmp/server.properties
# shellcheck disable=SC2086
exec java ${KAFKA_HEAP_OPTS:-} -XX:+UseSerialGC -cp 'libs/*' kafka.Kafka /tmp/server.properties
