#!/usr/bin/env bash
# Writes deploy/.env: the secrets of a compose installation. Made once; --force makes new ones.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if [ -e .env ] && [ "${1:-}" != --force ]; then
    echo "deploy/.env is there already; --force replaces it (then also: docker compose down --volumes, because the broker keeps its first password)." >&2
    exit 1
fi

password() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
redis=$(password)
broker=$(password)

umask 077
cat > .env <<END
REDIS_PASSWORD=$redis
RABBITMQ_DEFAULT_USER=beacon
RABBITMQ_DEFAULT_PASS=$broker
ConnectionStrings__redis=redis:6379,password=$redis
ConnectionStrings__bus=amqp://beacon:$broker@rabbitmq:5672
Beacon__Auth__ServiceKey=$(head -c 48 /dev/urandom | base64 | tr -d '\n')
END
echo "deploy/.env written, readable by you alone."
