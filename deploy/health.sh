#!/usr/bin/env bash
# Is the process of this container ready? The base image has no HTTP client, but bash can open a connection.
set -eu
port=${Beacon__Endpoints__HttpPort:-8080}
exec 3<> "/dev/tcp/127.0.0.1/$port"
printf 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r _ status _ <&3
[ "$status" = 200 ]
