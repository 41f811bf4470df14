package dispatch

import (
	"context"
	"time"
)

// Patient is d with another bound for plugins of others, so that a busy machine
// breaks no test.
func (d *Dispatcher) Patient(patience time.Duration) *Dispatcher {
	patient := *d
	patient.patience = patience
	return &patient
}

// Asking is d with another way to run plugins of others for what they print.
func (d *Dispatcher) Asking(ask func(ctx context.Context, path string, args, environ []string) (string, error)) *Dispatcher {
	asking := *d
	asking.ask = ask
	return &asking
}
