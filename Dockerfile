# The server in a container. Untested: no container engine was at hand where this was written. Its build and its health check are
# the same commands that the tests run outside of one.
#
#     docker build --tag tidewire .
#     docker run --publish 127.0.0.1:8080:8080 tidewire

FROM rust:1.95-slim-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo build --release --locked --package tidewire-server

FROM debian:bookworm-slim
COPY --from=build /source/target/release/tidewire /usr/local/bin/tidewire
USER 65534:65534
ENV TIDEWIRE_LISTEN=0.0.0.0:8080
EXPOSE 8080
# It closes connections one after another: stop it with `docker stop --timeout 30`.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && grep -q '200 OK' <&3"]
ENTRYPOINT ["tidewire"]
