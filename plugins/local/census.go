package local

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/fal-plugins/fal/pkg/controlplane"
	"github.com/fal-plugins/fal/pkg/fal"
)

// census counts the runners of a control plane as any client sees them.
type census struct{ client *fal.Client }

func newCensus(plane *controlplane.Server) (census, error) {
	key := plane.Credentials()
	o := fal.Options{
		Host:        plane.Addr(),
		Plaintext:   plane.CAPath() == "",
		Credentials: fal.Key{ID: key.KeyID, Secret: key.Secret},
		UserAgent:   "fal-local",
	}
	if path := plane.CAPath(); path != "" {
		pem, err := os.ReadFile(path)
		if err != nil {
			return census{}, err
		}
		o.RootCAs = x509.NewCertPool()
		if !o.RootCAs.AppendCertsFromPEM(pem) {
			return census{}, fmt.Errorf("%s holds no certificate", path)
		}
	}
	client, err := fal.New(o)
	return census{client}, err
}

func (c census) take(ctx context.Context) (health, error) {
	h := health{Runners: map[string]int{}}
	for app, err := range c.client.Apps.List(ctx, nil) {
		if err != nil {
			return health{}, err
		}
		if app.Alias == sampleApp {
			h.Sample, h.Wanted = true, app.MinConcurrency
		}
	}
	for r, err := range c.client.Runners.List(ctx, nil) {
		if err != nil {
			return health{}, err
		}
		h.Runners[r.State.String()]++
		if r.Alias == sampleApp && r.State.Serves() {
			h.Ready++
		}
	}
	return h, nil
}

func (c census) close() error {
	if c.client == nil {
		return nil
	}
	return c.client.Close()
}
