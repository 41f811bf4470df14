package dispatch

import "time"

// Patient is d with another bound for plugins of others, so that a busy machine
// breaks no test.
func (d *Dispatcher) Patient(patience time.Duration) *Dispatcher {
	patient := *d
	patient.patience = patience
	return &patient
}
