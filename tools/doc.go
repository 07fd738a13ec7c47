// Package tools is a module of its own for the programs with which the project
// checks what it ships, so that their dependencies are none of the gateway's.
package tools
