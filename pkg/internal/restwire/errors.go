package restwire

// Error is what the control plane answers with a status from 400 on, but for
// InvalidRequest. The service may also send plain text.
type Error struct {
	Detail string `json:"detail"`
}

// InvalidRequest is answered with status 422 when parameters are wrong.
type InvalidRequest struct {
	Detail []InvalidField `json:"detail"`
}

// InvalidField says what is wrong with one parameter.
type InvalidField struct {
	Loc  []string `json:"loc"` // where it stands and its name, such as ["query", "since"]
	Msg  string   `json:"msg"`
	Type string   `json:"type"`
}
