package issuer

import (
	"bytes"
	_ "embed" // the page
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

//go:embed page.html
var pageSource string

// pageStyle is the one style that the page may have.
//
//go:embed page.css
var pageStyle string

func parsePage() *template.Template { return template.Must(template.New("page").Parse(pageSource)) }

// page is what is shown: a message, a question, or a field for the code.
type page struct {
	Style   template.CSS
	Title   string
	Message string

	AskCode  bool
	UserCode string
	Form     string
	People   []choice
}

type choice struct {
	Name, FullName, Email string
	First                 bool
}

func (i *Issuer) show(w http.ResponseWriter, status int, p page) {
	p.Style = template.CSS(pageStyle)
	var b bytes.Buffer
	if err := i.page.Execute(&b, p); err != nil {
		i.broken(w, "the page could not be made", err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", i.policy)
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	// A browser that has gone away cannot be told.
	_, _ = b.WriteTo(w)
}

// showApproval asks whether a program may log in, and as whom.
func (i *Issuer) showApproval(w http.ResponseWriter, r *http.Request) {
	typed := r.URL.Query().Get("user_code")
	if strings.TrimSpace(typed) == "" {
		i.show(w, http.StatusOK, page{Title: "Log in", Message: "Enter the code that the program shows.", AskCode: true})
		return
	}
	c, err := i.codes.find(typed, i.now())
	if err != nil {
		i.showCodeError(w, err)
		return
	}
	people := i.state.People()
	if len(people) == 0 {
		i.show(w, http.StatusOK, page{Title: "Log in", Message: "There is nobody to log in as."})
		return
	}
	p := page{Title: "Log in", UserCode: c.user, Form: c.form}
	for n, person := range people {
		p.People = append(p.People, choice{Name: person.Name, FullName: person.FullName, Email: person.Email, First: n == 0})
	}
	i.show(w, http.StatusOK, p)
}

// decideApproval takes the answer. That the form was ours is known by a secret
// in it, which only who can read the page has.
func (i *Issuer) decideApproval(w http.ResponseWriter, r *http.Request) {
	if status, why := readForm(r); why != "" {
		i.show(w, status, page{Title: "Not done", Message: "The form cannot be read: " + why + "."})
		return
	}
	values := r.PostForm
	c, err := i.codes.find(values.Get("user_code"), i.now())
	if err != nil {
		i.showCodeError(w, err)
		return
	}
	if !c.posted(values.Get("csrf_token")) {
		i.show(w, http.StatusForbidden, page{Title: "Not done", Message: "The form is not one of this page: open the address anew."})
		return
	}
	switch values.Get("action") {
	case "approve":
		err = i.Approve(r.Context(), c.user, values.Get("person"))
	case "deny":
		err = i.Deny(r.Context(), c.user)
	default:
		i.show(w, http.StatusBadRequest, page{Title: "Not done", Message: "The form says neither yes nor no."})
		return
	}
	var unknown *state.Error
	switch {
	case errors.As(err, &unknown):
		i.show(w, http.StatusBadRequest, page{Title: "Not done", Message: "That person is not known here."})
	case err != nil:
		i.showCodeError(w, err)
	case values.Get("action") == "deny":
		i.show(w, http.StatusOK, page{Title: "Denied", Message: "The program is told so. You can close this page."})
	default:
		i.show(w, http.StatusOK, page{Title: "Logged in", Message: "The program goes on by itself. You can close this page."})
	}
}

func (i *Issuer) showCodeError(w http.ResponseWriter, err error) {
	p := page{Title: "Not done"}
	switch {
	case errors.Is(err, ErrExpiredCode):
		p.Message = "The code has expired: start the login again."
		i.show(w, http.StatusGone, p)
	case errors.Is(err, ErrDecidedCode):
		p.Message = "The code was used already."
		i.show(w, http.StatusConflict, p)
	default:
		p.Message, p.AskCode = "The code is not known here. Enter the one that the program shows.", true
		i.show(w, http.StatusNotFound, p)
	}
}

// logout leads to the page that returnTo names: there is no session to end.
func (i *Issuer) logout(w http.ResponseWriter, r *http.Request) {
	target := r.URL.Query().Get("returnTo")
	if target == "" {
		i.show(w, http.StatusOK, page{Title: "Logged out", Message: "There is no session in this browser."})
		return
	}
	i.leadTo(w, r, target)
}

// seedSession leads to the page of approval: there is one way to log in, whatever
// the connection.
func (i *Issuer) seedSession(w http.ResponseWriter, r *http.Request) {
	i.leadTo(w, r, r.URL.Query().Get("verification_uri_complete"))
}

// leadTo redirects to the page of approval at this very address, and nowhere
// else. Where it leads is put together anew, so that nothing of what was sent can
// lead away.
func (i *Issuer) leadTo(w http.ResponseWriter, r *http.Request, target string) {
	u, err := url.Parse(target)
	own := i.base(r) + "/activate"
	if err != nil || u.User != nil || !strings.EqualFold(u.Scheme+"://"+u.Host+u.Path, own) {
		i.show(w, http.StatusBadRequest, page{Title: "Not done", Message: "This address leads to its own page of approval only."})
		return
	}
	w.Header().Set("Location", own+"?"+url.Values{"user_code": {u.Query().Get("user_code")}}.Encode())
	w.WriteHeader(http.StatusSeeOther)
}
