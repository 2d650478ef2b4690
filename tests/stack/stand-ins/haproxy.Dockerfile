FROM tapecast-stand-in/servers
CMD ["haproxy"]
