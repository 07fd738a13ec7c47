// Package metrics counts and times the calls that pass the gateway.
//
// [Collectors] is one set of Prometheus collectors for the whole process. It
// lives as long as any handler uses it and is registered with the registry of
// every configuration, so a reload neither resets a counter nor loses what
// requests of the old configuration still have to add.
//
// All label sets are closed: a value outside its set is counted as "other".
// Series that clients could never be served under are not created, and those
// of counters that can occur exist from the start, so that rate() sees the
// first increment.
package metrics
