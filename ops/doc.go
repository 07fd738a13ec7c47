// Package ops holds what runs and watches the gateway: a Caddyfile and a service
// of systemd, a dashboard for Grafana, and alerts with their unit tests for
// Prometheus. Its tests hold them, and the pages docs/deployment.md,
// docs/metrics.md and docs/runbooks.md, against the code.
package ops
