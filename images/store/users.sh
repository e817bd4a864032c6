#!/bin/sh
# The users of the object store, with the keys of today, and its buckets. What each may do, rights.sh says.
set -eu
secret() { cat "/run/secrets/store_$1"; }
admin() { versitygw admin --endpoint-url http://store:7070 --access root --secret "$(secret root)" "$@"; }

known=$(admin list-users)
for user in clinical curated teaching hospital; do
  if echo "$known" | grep -qw "$user"; then
    admin update-user --access "$user" --secret "$(secret "$user")"
  else
    admin create-user --access "$user" --secret "$(secret "$user")" --role user
  fi
done
there=$(admin list-buckets)
for bucket in landing clinical teaching; do
  echo "$there" | grep -qw "$bucket" || admin create-bucket --bucket "$bucket" --owner clinical
done
