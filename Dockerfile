# Stage 1 compiles what hookgate leans on, then hookgate: a change of our own source leaves the first layer as it is.
FROM rust:1.95-bookworm AS build
WORKDIR /src
# An empty program pulls in every dependency. The build script runs then, too.
COPY Cargo.toml Cargo.lock ./
COPY src/build.rs src/build.rs
RUN echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs \
    && cargo build --release --locked --bin hookgate
COPY src src
# The commit, for `hookgate version` and the metric `hookgate_build_info`: there is no .git in here.
ARG HOOKGATE_REVISION=unknown
ENV HOOKGATE_REVISION=$HOOKGATE_REVISION
RUN touch src/main.rs src/lib.rs && cargo build --release --locked --bin hookgate && mkdir /spool

# Stage 2 holds the binary and what it needs: glibc, and CA certificates for brokers that speak TLS. No shell.
FROM gcr.io/distroless/cc-debian12:nonroot
ARG HOOKGATE_REVISION=unknown
LABEL org.opencontainers.image.title="hookgate" \
      org.opencontainers.image.description="Webhook gateway: authenticates webhooks, keeps them, delivers them to Kafka" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="$HOOKGATE_REVISION"
COPY --from=build /src/target/release/hookgate /usr/local/bin/hookgate
# A new volume that is mounted here takes over owner and mode.
COPY --from=build --chown=65532:65532 --chmod=0700 /spool /var/lib/hookgate
# By number, so that `runAsNonRoot` can tell.
USER 65532:65532
# Public; private (probes and metrics).
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/hookgate"]
CMD ["run"]
