# redis: Debian's, with the official image's folder and user id.
FROM tapecast-stand-in/servers
RUN mkdir -p /data && chown 999:999 /data
VOLUME /data
WORKDIR /data
CMD ["redis-server"]
