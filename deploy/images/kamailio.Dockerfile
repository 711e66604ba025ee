# The SIP router of deploy/kamailio, as Debian has it.
FROM debian:12-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends kamailio kamailio-postgres-modules \
 && rm -rf /var/lib/apt/lists/*
COPY deploy/kamailio/kamailio.cfg /etc/kamailio/kamailio.cfg
USER kamailio
# -DD: in the foreground; -Y: what it keeps at run time is in memory.
CMD ["kamailio", "-DD", "-E", "-Y", "/tmp", "-f", "/etc/kamailio/kamailio.cfg"]
