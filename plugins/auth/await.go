package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fal-plugins/fal/pkg/login"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// await waits until the code is confirmed. On a terminal it shows how long that
// is still possible.
func await(ctx context.Context, inv *cli.Invocation, l *session.Login, device *login.Device) error {
	left := func() string { return span(time.Until(device.ExpiresAt).Round(time.Second)) }
	line := countdown{inv: inv}
	if !inv.IO.ErrTerminal() {
		tell(inv, "waiting for that: the code expires in %s", left())
	}
	done := make(chan error, 1)
	go func() { done <- l.Wait(ctx, device) }()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		line.show("waiting for that: the code expires in " + left())
		select {
		case err := <-done:
			line.show("")
			if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return cli.Failuref("nobody confirmed the code in %s", span(inv.Timeout)).
					WithHint("without --timeout there is time until the code expires")
			}
			return l.Error(err)
		case <-second.C:
		}
	}
}

// span writes a duration as people do: 15m, and not 15m0s.
func span(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// countdown is a line on the terminal that changes. The cursor stays at its
// beginning, so that whatever else is said takes its place.
type countdown struct {
	inv   *cli.Invocation
	width int
}

func (c *countdown) show(text string) {
	if !c.inv.IO.ErrTerminal() {
		return
	}
	width := utf8.RuneCountInString(text)
	fmt.Fprintf(c.inv.IO.Err, "\r%s%s\r", text, strings.Repeat(" ", max(0, c.width-width)))
	c.width = width
}
