//go:build !race

package buffer

// spoils says whether a buffer is overwritten when it is given back.
const spoils = false
