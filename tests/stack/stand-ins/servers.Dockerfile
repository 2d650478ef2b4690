# Debian's PostgreSQL, Redis and HAProxy: installed at once, since apt is what takes the time.
FROM tapecast-stand-in/base
RUN apt-get update -qq \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-15 redis-server haproxy >/dev/null
