#!/bin/bash
# Container health: has this service been fit once, and does it still answer? Nothing but bash's own means: Docker asks every few
# seconds, and a Node for each answer was most of what an idle stack did.
port="${METRICS_PORT:-9100}"
exec 3<>"/dev/tcp/127.0.0.1/$port" || exit 1
printf 'GET /startupz HTTP/1.0\r\nHost: 127.0.0.1:%s\r\n\r\n' "$port" >&3
read -r _ status _ <&3
# Docker keeps what is printed: `docker inspect` tells the reasons.
while IFS= read -r line || [ -n "$line" ]; do printf '%s\n' "${line%$'\r'}"; done <&3
[ "$status" = 200 ]
