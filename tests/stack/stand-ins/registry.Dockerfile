# registry: Debian's.
FROM tapecast-stand-in/servers
COPY registry.yml /etc/docker/registry/config.yml
ENTRYPOINT ["docker-registry"]
CMD ["serve", "/etc/docker/registry/config.yml"]
