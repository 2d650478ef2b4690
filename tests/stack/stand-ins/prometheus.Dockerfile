# prom/prometheus: Debian's, with the official image's folder and user id.
FROM tapecast-stand-in/servers
RUN mkdir /prometheus && chown 65534:65534 /prometheus
USER 65534:65534
VOLUME /prometheus
ENTRYPOINT ["prometheus"]
CMD []
