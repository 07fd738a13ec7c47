//go:build race

package buffer

// spoils is whether a buffer is spoiled when it is given back.
const spoils = true
