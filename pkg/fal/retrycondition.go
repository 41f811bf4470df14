package fal

// A RetryCondition is an outcome of a request after which the service may try
// it again. Numbers that this package does not know are kept.
type RetryCondition int32

// The conditions of the wire.
const (
	RetryTimeout         RetryCondition = 0
	RetryClientError     RetryCondition = 1
	RetryServerError     RetryCondition = 2
	RetryConnectionError RetryCondition = 3
)

func retryConditions() vocabulary[RetryCondition] {
	return vocabulary[RetryCondition]{what: "retry condition", names: []string{"timeout", "client_error", "server_error", "connection_error"}, unknown: "unknown"}
}

// String is the condition's name in lower case.
func (c RetryCondition) String() string { return retryConditions().name(c) }

// ParseRetryCondition reads a condition's name in any case. The error is
// [ErrInvalidArgument].
func ParseRetryCondition(name string) (RetryCondition, error) { return retryConditions().parse(name) }
