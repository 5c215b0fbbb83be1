#!/bin/sh
# Writes .env beside docker-compose.yml, once: a password for ClickHouse that nobody else has, and the images of
# docker-compose.yml pinned to what their tags mean now. Remove PYTHON_IMAGE, KAFKA_IMAGE or CLICKHOUSE_IMAGE from it
# to take a newer build of a tag up, and run this again.
set -eu
cd "$(dirname "$0")/../.."
umask 077
touch .env

has() { grep -q "^$1=" .env; }

if ! has SLUICE_CLICKHOUSE_PASSWORD; then
  password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
  [ ${#password} -eq 48 ] || { echo "no password could be drawn from /dev/urandom" >&2; exit 1; }
  echo "SLUICE_CLICKHOUSE_PASSWORD=$password" >>.env
fi

pin() {
  if has "$1"; then return; fi
  image=$(sed -n "s/.*\${$1:-\([^}]*\)}.*/\1/p" docker-compose.yml | head -n 1)
  digest=$(docker buildx imagetools inspect "$image" --format '{{.Manifest.Digest}}' 2>/dev/null || true)
  case $digest in
    sha256:*) echo "$1=$image@$digest" >>.env ;;
    *) echo "$image is not pinned: docker does not say its digest (is the registry reachable?)" >&2 ;;
  esac
}

pin PYTHON_IMAGE
pin KAFKA_IMAGE
pin CLICKHOUSE_IMAGE
chmod 600 .env
echo "written: .env"
