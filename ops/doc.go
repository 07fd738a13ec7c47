// Package ops has what runs and watches the gateway: a Caddyfile, a systemd service, a
// dashboard for Grafana, and alerts for Prometheus with their unit tests. Its tests compare
// them, and the pages docs/deployment.md, docs/metrics.md and docs/runbooks.md, with the
// code.
package ops
