# The gateway as a container.
#
#	docker build -t caddy-conference-members .
#	docker run --rm -p 8080:8080 -e EVO_UPSTREAM=https://api.example.com caddy-conference-members
#
# docs/deployment.md says what else to set.

# One release of Go 1.26, with the fixes that govulncheck asks for. Name the
# images by digest where a build has to be repeated to the byte.
ARG GO_VERSION=1.26.10
ARG ALPINE_VERSION=3.23

# The compiler runs on the machine that builds, and compiles for the one that runs.
FROM --platform=$BUILDPLATFORM golang:${GO_VERSION}-alpine${ALPINE_VERSION} AS build
WORKDIR /src
RUN --mount=type=bind,source=go.mod,target=go.mod \
    --mount=type=bind,source=go.sum,target=go.sum \
    --mount=type=cache,target=/go/pkg/mod \
    go mod download
ARG TARGETOS
ARG TARGETARCH
# The sources are mounted and not copied: a change of them is a layer of nothing.
RUN --mount=type=bind,target=. \
    --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags="-s -w" -o /out/caddy ./cmd/caddy
# What everything linked into it asks for: its licence goes with the binary.
RUN --mount=type=bind,target=. \
    --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    cd tools && go run ./licences -dir .. -texts >/out/THIRD_PARTY

FROM alpine:${ALPINE_VERSION}
LABEL org.opencontainers.image.title="caddy-conference-members" \
      org.opencontainers.image.description="Caddy in front of the conference members route of the Evo Voice API" \
      org.opencontainers.image.source="https://github.com/evovoice-gateway/caddy-conference-members" \
      org.opencontainers.image.licenses="Apache-2.0"

# Caddy keeps certificates in /data, where volumes take over the owner.
RUN adduser -D -H -u 10001 -s /sbin/nologin caddy \
    && install -d -o caddy -g caddy -m 0700 /data /config
ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config

COPY --from=build /out/caddy /usr/bin/caddy
COPY --from=build /out/THIRD_PARTY LICENSE /usr/share/licenses/caddy-conference-members/
COPY ops/Caddyfile /etc/caddy/Caddyfile

# By number, for those who check that it is not 0.
USER 10001:10001

# Beyond 1024 no capability is needed: 8080 is the gateway, 9180 its metrics.
EXPOSE 8080 9180

# What a load balancer asks too. A gateway that is shutting down is not healthy.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=2 \
    CMD wget -q -O /dev/null "http://127.0.0.1:${PORT:-8080}/healthz" || exit 1

# It shuts down on SIGTERM, docker stop's own signal, once its calls have ended.
CMD ["/usr/bin/caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
