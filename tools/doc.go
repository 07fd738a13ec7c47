// Package tools is a separate module for the programs with which the project
// checks what it ships, so that their dependencies are none of the gateway's.
package tools
