# The server in a container. Untested: no container engine was at hand where this was written. Its build and its health check are
# the same commands that the tests run outside of one.
#
#     docker build --tag tidewire .
#     docker run --stop-timeout 30 --publish 127.0.0.1:8080:8080 --mount type=bind,source=/etc/tidewire/jwt-secret,target=/run/secrets/jwt-secret,readonly --mount type=bind,source=/etc/tidewire/api-keys,target=/run/secrets/api-keys,readonly tidewire --auth jwt --jwt-secret-file /run/secrets/jwt-secret --api-key-file /run/secrets/api-keys
#
# It listens on all addresses of its container, so it asks for tokens; user 65534 must be able to read the files. Behind a proxy on the
# same machine add `--trusted-proxy 172.17.0.1`, or whatever address the proxy has as the container sees it. To try it without
# tokens, where whoever reaches port 8080 may do everything:
#
#     docker run --publish 127.0.0.1:8080:8080 tidewire --insecure-public

FROM rust:1.95-slim-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo build --release --locked --package tidewire-server

FROM debian:bookworm-slim
COPY --from=build /source/target/release/tidewire /usr/local/bin/tidewire
USER 65534:65534
ENV TIDEWIRE_LISTEN=0.0.0.0:8080
EXPOSE 8080
# It closes connections one after another over --drain (20s), longer than the 10 s that Docker gives without --stop-timeout.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && grep -q '200 OK' <&3"]
ENTRYPOINT ["tidewire"]
