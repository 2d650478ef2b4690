# prom/prometheus: Debian's.
FROM tapecast-stand-in/servers
ENTRYPOINT ["prometheus"]
CMD []
