package runners

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// refillPatience is how long a question waits for its notes.
const refillPatience = 2 * time.Second

// noteRefill says of which apps runners will be started again in the place of
// the selected targets, because fewer than min_concurrency would be left. It is
// a courtesy: if the service does not tell, or not soon, there is no note.
func (j *job) noteRefill(ctx context.Context, targets []view.Runner) {
	if !j.refilled {
		return
	}
	left, taken := map[string]int{}, map[string]int{}
	for _, r := range j.now {
		if !leaving(r.State) {
			left[r.Alias]++
		}
	}
	var environments []string
	for _, r := range targets {
		left[r.Alias]--
		taken[r.Alias]++
		if _, environment := fal.SplitAlias(r.Alias); !slices.Contains(environments, environment) {
			environments = append(environments, environment)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, refillPatience)
	defer cancel()
	for _, environment := range environments {
		for app, err := range appsIn(ctx, j.session, environment) {
			if err != nil {
				break
			}
			refill := min(app.MinConcurrency-left[app.Alias], taken[app.Alias])
			if refill <= 0 {
				continue
			}
			number := "one"
			if refill > 1 {
				number = strconv.Itoa(refill)
			}
			fmt.Fprintf(j.inv.IO.Err, "note: min_concurrency of %s is %d: %s will be started again\n",
				iostreams.SanitizeLine(app.Alias), app.MinConcurrency, number)
		}
	}
}

// appsIn goes through the apps of an environment, whichever is the session's.
func appsIn(ctx context.Context, s *session.Session, environment string) iter.Seq2[fal.AppInfo, error] {
	return func(yield func(fal.AppInfo, error) bool) {
		client, err := s.ClientIn(environment)
		if err != nil {
			yield(fal.AppInfo{}, err)
			return
		}
		defer client.Close()
		client.Apps.List(ctx, nil)(yield)
	}
}
