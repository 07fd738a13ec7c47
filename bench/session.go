package bench

import (
	"errors"
	"strconv"
)

// Nested is a list as JSON.
type Nested []byte

// UnmarshalJSON keeps the JSON.
func (n *Nested) UnmarshalJSON(json []byte) error {
	if n == nil {
		return errors.New("nowhere to keep the JSON")
	}
	*n = append((*n)[:0], json...)
	return nil
}

// MarshalCSV returns the JSON as a cell.
func (n Nested) MarshalCSV() (string, error) { return string(n), nil }

// Session declares a session as a user of these libraries would. Lists stay JSON, which is
// the fastest that they can do.
type Session struct {
	DialState                    string `json:"dialState" csv:"dialState"`
	CallState                    string `json:"callState" csv:"callState"`
	QueueState                   string `json:"queueState" csv:"queueState"`
	AccountID                    string `json:"accountId" csv:"accountId"`
	AccountName                  string `json:"accountName" csv:"accountName"`
	CustomerID                   string `json:"customerId" csv:"customerId"`
	CustomerBreadcrumb           Nested `json:"customerBreadcrumb" csv:"customerBreadcrumb"`
	CustomerName                 string `json:"customerName" csv:"customerName"`
	EndpointID                   string `json:"endpointId" csv:"endpointId"`
	EndpointName                 string `json:"endpointName" csv:"endpointName"`
	DateCompleted                string `json:"dateCompleted" csv:"dateCompleted"`
	Destination                  string `json:"destination" csv:"destination"`
	ToAddress                    string `json:"toAddress" csv:"toAddress"`
	FromAddress                  string `json:"fromAddress" csv:"fromAddress"`
	FromName                     string `json:"fromName" csv:"fromName"`
	AnsweredByName               string `json:"answeredByName" csv:"answeredByName"`
	QueueMemberID                string `json:"queueMemberId" csv:"queueMemberId"`
	Channel                      string `json:"channel" csv:"channel"`
	Ended                        *bool  `json:"ended" csv:"ended"`
	Outcome                      string `json:"outcome" csv:"outcome"`
	CallSid                      string `json:"callSid" csv:"callSid"`
	ConsoleData                  string `json:"consoleData" csv:"consoleData"`
	HoldQueueName                string `json:"holdQueueName" csv:"holdQueueName"`
	HeldByUserID                 string `json:"heldByUserId" csv:"heldByUserId"`
	HoldReason                   string `json:"holdReason" csv:"holdReason"`
	ConferenceSid                string `json:"conferenceSid" csv:"conferenceSid"`
	DisplayName                  string `json:"displayName" csv:"displayName"`
	Log                          Nested `json:"log" csv:"log"`
	Members                      Nested `json:"members" csv:"members"`
	CallbackNumber               string `json:"callbackNumber" csv:"callbackNumber"`
	AnsweredByID                 string `json:"answeredById" csv:"answeredById"`
	Direction                    string `json:"direction" csv:"direction"`
	FromPhoneNumber              string `json:"fromPhoneNumber" csv:"fromPhoneNumber"`
	MostRecentParticipantCallSid string `json:"mostRecentParticipantCallSid" csv:"mostRecentParticipantCallSid"`
	WasMissed                    *bool  `json:"wasMissed" csv:"wasMissed"`
	RingQueueID                  string `json:"ringQueueId" csv:"ringQueueId"`
	ID                           string `json:"id" csv:"id"`
	DateCreated                  string `json:"dateCreated" csv:"dateCreated"`
	DateLastModified             string `json:"dateLastModified" csv:"dateLastModified"`
	CreatedBy                    string `json:"createdBy" csv:"createdBy"`
	LastModifiedBy               string `json:"lastModifiedBy" csv:"lastModifiedBy"`
}

// flag returns a boolean as a cell, empty if the session has none.
func flag(b *bool) string {
	if b == nil {
		return ""
	}
	return strconv.FormatBool(*b)
}

// record returns the cells of a session.
func (s *Session) record() []string {
	return []string{
		s.DialState,
		s.CallState,
		s.QueueState,
		s.AccountID,
		s.AccountName,
		s.CustomerID,
		string(s.CustomerBreadcrumb),
		s.CustomerName,
		s.EndpointID,
		s.EndpointName,
		s.DateCompleted,
		s.Destination,
		s.ToAddress,
		s.FromAddress,
		s.FromName,
		s.AnsweredByName,
		s.QueueMemberID,
		s.Channel,
		flag(s.Ended),
		s.Outcome,
		s.CallSid,
		s.ConsoleData,
		s.HoldQueueName,
		s.HeldByUserID,
		s.HoldReason,
		s.ConferenceSid,
		s.DisplayName,
		string(s.Log),
		string(s.Members),
		s.CallbackNumber,
		s.AnsweredByID,
		s.Direction,
		s.FromPhoneNumber,
		s.MostRecentParticipantCallSid,
		flag(s.WasMissed),
		s.RingQueueID,
		s.ID,
		s.DateCreated,
		s.DateLastModified,
		s.CreatedBy,
		s.LastModifiedBy,
	}
}
