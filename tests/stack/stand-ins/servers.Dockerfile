# Debian's PostgreSQL, Redis, HAProxy, Prometheus with its node exporter and image registry: installed at once, since apt is what takes the time. What
# nobody needs here is not even unpacked: each byte is packed for the registry, and unpacked on nodes. PostgreSQL does without its compiler.
FROM tapecast-stand-in/base
RUN mkdir /etc/postgresql-common && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf \
  && printf 'path-exclude=/usr/%s*\n' 'share/javascript/' 'share/i18n/' 'bin/promtool' 'lib/*-linux-gnu/libLLVM' 'lib/*-linux-gnu/libz3' \
    'lib/postgresql/*/lib/llvmjit' 'lib/postgresql/*/lib/bitcode/' >/etc/dpkg/dpkg.cfg.d/superfluous \
  && apt-get update -qq \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    postgresql-15 redis-server haproxy prometheus prometheus-node-exporter docker-registry >/dev/null \
  && rm -rf /var/cache/apt/* /var/lib/apt/lists/*
