#!/bin/sh
# Makes the secrets that docker-compose.yml names, in the folder secrets/ or another one, each once: what is there stays.
# The folder is closed to everybody but you; the files in it are not, for the services that are given one have users of their own.
set -eu
folder=${1:-$(dirname "$0")/../secrets}
mkdir -p "$folder"
chmod 700 "$folder"
word() { head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
put() {
  [ -e "$folder/$1" ] && return
  cat >"$folder/.$1" && chmod 444 "$folder/.$1" && mv "$folder/.$1" "$folder/$1"
}
for name in postgres airflow lakehouse clinical_engine; do word 24 | put "${name}_password"; done
for name in root clinical curated teaching hospital; do word 24 | put "store_$name"; done
for name in engine_token curated_token spark_secret jwt grafana_admin; do word 24 | put "$name"; done
# Fernet wants 32 bytes in the alphabet of addresses.
head -c 32 /dev/urandom | base64 | tr '+/' '-_' | put fernet_key
printf '{"admin": "%s"}\n' "$(word 12)" | put airflow_users
# The key behind every person_id: keep a copy of it apart from everything else.
word 32 | put platform_key
[ -e "$folder/hospital_keys" ] || echo "Put the register of the hospitals' keys into $folder/hospital_keys (docs/deliver.md), mode 0444." >&2
