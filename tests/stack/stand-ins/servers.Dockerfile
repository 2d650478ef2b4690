# Debian's PostgreSQL, Redis, HAProxy, Prometheus and image registry: installed at once, since apt is what takes the time.
FROM tapecast-stand-in/base
RUN apt-get update -qq \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-unsafe-io \
    postgresql-15 redis-server haproxy prometheus docker-registry >/dev/null
