package deploy

import (
	"context"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// tellAfter is how long Ctrl-C may take without a word.
const tellAfter = 100 * time.Millisecond

// tellInterruption says what is known as soon as somebody has had enough, if it
// takes longer to find out the rest: a second Ctrl-C ends the program without
// another word. What is returned ends that.
func (j *job) tellInterruption(ctx context.Context) (silence func()) {
	enough, told := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(told)
		select {
		case <-enough:
			return
		case <-ctx.Done():
		}
		timer := time.NewTimer(tellAfter)
		defer timer.Stop()
		select {
		case <-enough:
		case <-timer.C:
			j.display.Say(j.inv.IO.PaintErr(iostreams.Bold, iostreams.SanitizeLine(j.interruptedIn())))
		}
	}()
	return func() {
		close(enough)
		<-told
	}
}

// interruptedIn says what was under way, and what is known of it.
func (j *job) interruptedIn() string {
	phase, _ := j.phase.Load().(fal.DeployPhase)
	text := "interrupted"
	if j.o.all {
		text = j.label() + ": interrupted"
	}
	switch phase {
	case "":
		return text + "; " + nothingWasSent
	case fal.DeployRegister:
		return text + " while " + stepOf(phase).Doing + "; asking the service what became of it ..."
	}
	return text + " while " + stepOf(phase).Doing + "; " + j.left(phase)
}
