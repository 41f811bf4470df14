// Package restwire holds the bodies of the REST calls, shared by client and
// control plane:
//
//	var user restwire.User
//	err := json.NewDecoder(response.Body).Decode(&user)
//
// Fields that only some answers have are pointers or may be empty.
package restwire

// User is the answer of GET /users/current.
type User struct {
	UserID   string `json:"user_id"`
	Nickname string `json:"nickname"`
	FullName string `json:"full_name"`
}

// Team is one element of the answer of GET /users/teams: an account that the
// caller may act as.
type Team struct {
	UserID     string  `json:"user_id"`
	Nickname   string  `json:"nickname"`
	FullName   string  `json:"full_name"`
	IsPersonal bool    `json:"is_personal"`
	IsOrg      bool    `json:"is_org"`
	LockReason *string `json:"lock_reason"`
}

// RunnerSpan is the answer of GET /runners/{runner_id}: when it lived, in
// TimeLayout. Null means not yet.
type RunnerSpan struct {
	StartedAt *string `json:"started_at"`
	EndedAt   *string `json:"ended_at"`
}

// Health is the answer of GET /health.
type Health struct {
	Status string `json:"status"`
}
