// Package command is the command line: caddy conference-members, which works on
// files and needs no gateway.
//
//	caddy conference-members check [--config FILE] [--session ID] FILE|-
//	caddy conference-members csv   [--config FILE] [--view NAME]  FILE|-
//
// It takes the handler out of a configuration and builds that alone: nothing is
// started, nothing is locked, and a gateway may run on the same configuration.
package command
