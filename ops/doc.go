// Package ops holds what watches the gateway: a dashboard for Grafana, and
// alerts with their unit tests for Prometheus. Its tests hold them, and the
// pages docs/metrics.md and docs/runbooks.md, against the code.
package ops
