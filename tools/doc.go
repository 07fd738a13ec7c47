// Package tools is a separate module for the programs that check what the project ships, so
// that their dependencies are not the gateway's.
package tools
