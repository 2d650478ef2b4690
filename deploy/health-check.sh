#!/bin/bash
# Container health: has this service been fit once, and does it still answer? Nothing but bash's own means: Docker asks every few
# seconds, and a Node for each answer was most of what an idle stack did.
port="${METRICS_PORT:-9100}"
ask() {
  status='' reply=''
  exec 3<>"/dev/tcp/127.0.0.1/$port" || return
  printf 'GET /startupz HTTP/1.0\r\nHost: 127.0.0.1:%s\r\n\r\n' "$port" >&3
  read -r _ status _ <&3
  while IFS= read -r line || [ -n "$line" ]; do reply+="${line%$'\r'}"$'\n'; done <&3
}
# An update waits for "fit", and Docker asks again only seconds later: what is not fit yet is asked again from here, well within
# Docker's patience.
until ask && [ "$status" != 503 ] || [ "$SECONDS" -ge 8 ]; do sleep 0.5; done
# Docker keeps what is printed: `docker inspect` tells the reasons.
printf '%s' "$reply"
[ "$status" = 200 ]
