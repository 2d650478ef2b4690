# traefik: built from its Go module, with the test's own certificate authority among those it believes.
ARG BASE
FROM ${BASE}
COPY traefik /usr/local/bin/traefik
COPY test-ca.pem /tmp/test-ca.pem
RUN cat /tmp/test-ca.pem >>/etc/ssl/certs/ca-certificates.crt
ENTRYPOINT ["/usr/local/bin/traefik"]
CMD []
