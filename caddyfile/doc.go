// Package caddyfile reads the directive conference_members into a
// handler.Config.
//
// Every subdirective is one entry in a table, which holds its syntax, its default
// and an example as well: docs/options.md is made of the tables. All mistakes are
// reported at once, each with its file and line.
package caddyfile
