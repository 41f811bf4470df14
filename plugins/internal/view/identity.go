package view

import (
	"io"

	"github.com/fal-plugins/fal/plugins/internal/output"
)

// Identity is what `auth whoami` prints as JSON: as whom commands act, and what
// tells the service so. No secret is in it.
type Identity struct {
	Credentials string  `json:"credentials"` // key, login, disabled
	Origin      string  `json:"origin"`      // of the credentials: FAL_KEY, a profile, a file
	KeyID       *string `json:"key_id"`
	KeyScope    *string `json:"key_scope"` // null where it is not known
	Host        string  `json:"host"`
	UserID      string  `json:"user_id"` // of the account that commands act for
	Nickname    string  `json:"nickname"`
	FullName    string  `json:"full_name"`
	Team        *string `json:"team"` // the account that was chosen; null: the credentials' own
	TeamOrigin  *string `json:"team_origin"`
	Person      *string `json:"person"` // the nickname of whoever logged in; null for a key
}

// Write shows i through the printer's fields.
func (i Identity) Write(w io.Writer, p *output.Printer) error {
	account := i.Nickname
	if i.FullName != "" {
		account += " (" + i.FullName + ")"
	}
	credentials := i.Credentials + " from " + i.Origin
	if i.KeyID != nil {
		credentials = "key " + *i.KeyID + " from " + i.Origin
		if i.KeyScope != nil {
			credentials += ", of scope " + *i.KeyScope
		}
	}
	fields := []output.Field{{Name: "Account", Value: account}}
	if i.TeamOrigin != nil {
		fields = append(fields, output.Field{Name: "Chosen by", Value: *i.TeamOrigin})
		if i.Person != nil {
			fields = append(fields, output.Field{Name: "Person", Value: *i.Person})
		}
	}
	return p.Fields(w, append(fields,
		output.Field{Name: "User id", Value: i.UserID},
		output.Field{Name: "Credentials", Value: credentials},
		output.Field{Name: "Host", Value: i.Host},
	)...)
}

// LoginResult is what `auth login` prints as JSON. What is not known of the
// account is null: the login is stored all the same.
type LoginResult struct {
	UserID   *string `json:"user_id"` // of the person
	Nickname *string `json:"nickname"`
	FullName *string `json:"full_name"`
	Team     *string `json:"team"` // the account that is selected, if one is
}

// LogoutResult is what `auth logout` prints as JSON.
type LogoutResult struct {
	LoggedOut bool    `json:"logged_out"` // false: nobody was logged in
	Revoked   bool    `json:"revoked"`    // the issuer was told
	UnsetTeam *string `json:"unset_team"` // the account that was selected
}

// AccessToken is what `auth token` prints as JSON.
type AccessToken struct {
	AccessToken string `json:"access_token"`
}
