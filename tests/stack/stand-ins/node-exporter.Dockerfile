# prom/node-exporter: Debian's, with the official image's user id.
FROM tapecast-stand-in/servers
USER 65534:65534
ENTRYPOINT ["prometheus-node-exporter"]
CMD []
