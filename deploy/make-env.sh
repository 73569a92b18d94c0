#!/usr/bin/env bash
# Writes the secrets of a compose installation: .env for the services, .env.stores for Redis and RabbitMQ, .env.viewers for the
# dashboards, each container seeing only what is for it. Made once; --force makes new ones.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if [ -e .env ] && [ "${1:-}" != --force ]; then
    echo "deploy/.env is there already; --force replaces it (then also: docker compose down --volumes, because the broker keeps its first password)." >&2
    exit 1
fi

password() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
redis=$(password)
broker=$(password)
telemetry=$(password)

umask 077
cat > .env.stores <<END
REDIS_PASSWORD=$redis
RABBITMQ_DEFAULT_USER=beacon
RABBITMQ_DEFAULT_PASS=$broker
END
cat > .env.viewers <<END
Dashboard__Frontend__AuthMode=BrowserToken
Dashboard__Frontend__BrowserToken=$(password)
Dashboard__Otlp__AuthMode=ApiKey
Dashboard__Otlp__PrimaryApiKey=$telemetry
GF_SECURITY_ADMIN_PASSWORD=$(password)
END
# Last, because its presence says that all of them are there.
cat > .env.new <<END
ConnectionStrings__redis=redis:6379,password=$redis
ConnectionStrings__bus=amqp://beacon:$broker@rabbitmq:5672
Beacon__Auth__ServiceKey=$(head -c 48 /dev/urandom | base64 | tr -d '\n')
Beacon__Signaling__OperatorKey=$(password)
OTEL_EXPORTER_OTLP_HEADERS=x-otlp-api-key=$telemetry
END
mv .env.new .env
echo "deploy/.env, .env.stores and .env.viewers written, readable by you alone."
