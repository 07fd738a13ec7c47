// Package transformtest has sessions for the benchmarks of package transform and
// of what one could use instead.
package transformtest

import (
	"fmt"
	"strconv"
)

// Large returns a session of a large conference: 3,000 members and 3,000 log lines,
// about 1 MB.
func Large() []byte {
	b := []byte(`{"dialState":"Active","callState":"Connected","queueState":"None","accountId":"AC9",` +
		`"customerBreadcrumb":[{"id":"CU1","name":"Root"},{"id":"CU7","name":"Smith & Sons"}],` +
		`"destination":"+15551234567","channel":"Voice","ended":false,"holdReason":"None","log":[`)
	for i := range 3000 {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"date":"2021-08-18T09:%02d:%02d.%07dZ","message":"Member %d, \"user %d\", joined"}`,
			i/60%60, i%60, i*3331%1e7, i, i)
	}
	b = append(b, `],"members":[`...)
	for i := range 3000 {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"identity":"user:%d","endpointId":"EP%d","displayName":"Zoë Member %d","isOriginalMember":%s,`+
			`"avatarUrl":"https://cdn.example.com/a/%d.png?s=64","applicationData":{"role":"agent","lang":"en-GB"},`+
			`"callState":"Connected","role":"Agent","callSid":"CA%032x","muted":%s}`,
			i, i, i, strconv.FormatBool(i%2 == 0), i, i, strconv.FormatBool(i%3 == 0))
	}
	return append(b, `],"direction":"Outgoing","fromPhoneNumber":"+15557654321","wasMissed":false,"id":"large",`+
		`"dateCreated":"2021-08-18T09:39:58.1234567Z","dateLastModified":"2021-08-18T09:45:12.0000000Z"}`...)
}
