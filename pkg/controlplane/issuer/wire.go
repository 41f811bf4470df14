package issuer

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
)

// failure is the body of an answer that is no success.
type failure struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that has gone away cannot be told.
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, code, description string) {
	answer(w, http.StatusBadRequest, failure{Code: code, Description: description})
}

// broken answers a failure of ours.
func (i *Issuer) broken(w http.ResponseWriter, what string, err error) {
	i.logger.Error(what, "error", err)
	answer(w, http.StatusInternalServerError, failure{Code: "server_error", Description: what})
}

// form reads the parameters of a request's body, or answers why it cannot. None
// may be there twice.
func form(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	status, why := readForm(r)
	if why == "" {
		return r.PostForm, true
	}
	answer(w, status, failure{Code: "invalid_request", Description: why})
	return nil, false
}

func readForm(r *http.Request) (status int, why string) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return http.StatusUnsupportedMediaType, "the body is to be application/x-www-form-urlencoded"
	}
	err := r.ParseForm()
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge, "the body is too large"
	case err != nil:
		return http.StatusBadRequest, "the body or the query is malformed"
	}
	for _, values := range r.PostForm {
		if len(values) > 1 {
			return http.StatusBadRequest, "a parameter is there twice"
		}
	}
	return http.StatusOK, ""
}

// clientForm is form for requests that name the client.
func clientForm(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	values, ok := form(w, r)
	if ok && values.Get("client_id") != ClientID {
		answer(w, http.StatusUnauthorized, failure{Code: "invalid_client", Description: "the client is not known here"})
		return nil, false
	}
	return values, ok
}
