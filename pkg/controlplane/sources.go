package controlplane

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/fal-plugins/fal/pkg/controlplane/files"
	"github.com/fal-plugins/fal/pkg/controlplane/restapi"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// sourceMark stands between a requirement and the distribution that was uploaded
// for it.
const sourceMark = " @ source:"

// keepSources keeps the distributions that requirements name by their URLs here,
// which expire, and names them by what is in them: the environment is then the
// same as long as they are.
func (d *deploys) keepSources(l *state.Launch) error {
	list, ok := l.Configuration["requirements"].([]any)
	if !ok {
		return nil
	}
	kept, err := d.keepSourcesOf(l, list)
	if err != nil {
		return err
	}
	l.Configuration = maps.Clone(l.Configuration)
	l.Configuration["requirements"] = kept
	return nil
}

func (d *deploys) keepSourcesOf(l *state.Launch, list []any) ([]any, error) {
	kept := make([]any, len(list))
	for i, item := range list {
		var err error
		switch value := item.(type) {
		case []any: // a layer
			kept[i], err = d.keepSourcesOf(l, value)
		case string:
			kept[i], err = d.keepSource(l, value)
		default:
			kept[i] = value // for the builder to refuse
		}
		if err != nil {
			return nil, err
		}
	}
	return kept, nil
}

func (d *deploys) keepSource(l *state.Launch, requirement string) (string, error) {
	if strings.Contains(requirement, sourceMark) {
		return "", &state.Error{Kind: state.Invalid, Message: fmt.Sprintf("%.200q is no requirement", requirement)}
	}
	what, location, found := strings.Cut(requirement, " @ "+d.base+restapi.StoredPath)
	if !found {
		return requirement, nil
	}
	location, marker, _ := strings.Cut(location, " ")
	id, escaped, _ := strings.Cut(location, "/")
	name, err := url.PathUnescape(escaped)
	if err != nil {
		return "", &state.Error{Kind: state.Invalid, Message: fmt.Sprintf("requirement %.200q: %v", requirement, err)}
	}
	distribution, err := d.files.Distribution(id, name)
	if errors.Is(err, files.ErrNotFound) {
		return "", &state.Error{Kind: state.Conflict, Message: fmt.Sprintf("the distribution %s of requirement %s is not there: it was not uploaded, or has expired", name, what)}
	}
	if err == nil {
		err = d.files.Pin(distribution)
	}
	if err != nil {
		return "", err
	}
	l.Sources = append(l.Sources, state.Source{Hash: distribution.Hash, Name: distribution.Name})
	text := what + sourceMark + distribution.Hash + "/" + url.PathEscape(distribution.Name)
	if marker != "" {
		text += " " + marker
	}
	return text, nil
}

// located has the places of kept distributions in place of their names.
func (d *deploys) located(list []any) []any {
	located := make([]any, len(list))
	for i, item := range list {
		switch value := item.(type) {
		case []any:
			located[i] = d.located(value)
		case string:
			located[i] = d.locate(value)
		default:
			located[i] = value
		}
	}
	return located
}

func (d *deploys) locate(requirement string) string {
	what, rest, found := strings.Cut(requirement, sourceMark)
	if !found {
		return requirement
	}
	place, marker, marked := strings.Cut(rest, " ")
	hash, escaped, _ := strings.Cut(place, "/")
	name, err := url.PathUnescape(escaped)
	if err != nil {
		return requirement // which pip refuses
	}
	text := what + " @ " + fileURL(d.files.SourcePath(hash, name))
	if marked {
		text += " " + marker
	}
	return text
}

func fileURL(path string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a Windows drive letter
	}
	return (&url.URL{Scheme: "file", Path: slashed}).String()
}
