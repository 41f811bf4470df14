// Package restwire holds the bodies of the REST calls, shared by client and
// control plane:
//
//	var user restwire.User
//	err := json.NewDecoder(response.Body).Decode(&user)
//
// Fields that only some answers have are pointers or may be empty.
package restwire

import "time"

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

// RunnerSpan is the answer of GET /runners/{runner_id}: when it lived. Null
// means not yet.
type RunnerSpan struct {
	StartedAt *time.Time `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`
}

// Health is the answer of GET /health.
type Health struct {
	Status string `json:"status"`
}

// Error is what the control plane answers with every status from 400 on. The
// service may also send a list as detail, or plain text.
type Error struct {
	Detail string `json:"detail"`
}
