#!/bin/sh
# Makes the secrets that docker-compose.yml reads, each once. Only the owner can enter the directory;
# the files in it are readable, since the containers, where they are mounted one by one, run as
# another user.
set -eu
cd "$(dirname "$0")/.."
mkdir -p -m 0700 secrets
for name in postgres-password temporal-password; do
  [ ! -s "secrets/$name" ] || continue
  (umask 077 && head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' >"secrets/$name.new")
  chmod 0444 "secrets/$name.new"
  mv "secrets/$name.new" "secrets/$name"
done
