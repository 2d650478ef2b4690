# Debian's PostgreSQL, Redis, HAProxy, Prometheus with its node exporter and image registry: installed at once, since apt is what takes the time. What
# nobody needs here is left out: each byte is packed for the registry, and unpacked on nodes. PostgreSQL does without its compiler.
FROM tapecast-stand-in/base
RUN mkdir /etc/postgresql-common && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf \
  && apt-get update -qq \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-unsafe-io \
    postgresql-15 redis-server haproxy prometheus prometheus-node-exporter docker-registry >/dev/null \
  && rm -rf /var/cache/apt/* /var/lib/apt/lists/* /usr/share/doc /usr/share/man /usr/share/javascript /usr/share/i18n \
    /usr/lib/postgresql/15/lib/llvmjit* /usr/lib/postgresql/15/lib/bitcode /usr/lib/*-linux-gnu/libLLVM* /usr/lib/*-linux-gnu/libz3*
