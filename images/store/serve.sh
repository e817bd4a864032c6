#!/bin/sh
# Serves the object store. Objects are files below /store/buckets that only this user may read; metadata lie in their extended attributes.
set -eu
mkdir -p /store/buckets /store/users
ROOT_ACCESS_KEY_ID=root ROOT_SECRET_ACCESS_KEY=$(cat /run/secrets/store_root)
export ROOT_ACCESS_KEY_ID ROOT_SECRET_ACCESS_KEY
exec versitygw --port :7070 --iam-dir /store/users --health /health posix --file-perms 0600 --dir-perms 0700 /store/buckets
