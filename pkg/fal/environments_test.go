package fal_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func TestEnvironments(t *testing.T) {
	created := time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)
	server := faltest.New(t)
	server.SetEnvironments(faltest.Environment{Name: "main", Default: true, CreatedAt: created})
	ctx, client := newClient(t, server.Options())
	description := "before production"
	staging := fal.Environment{Name: "staging", Description: &description}
	got, err := client.Environments.Create(ctx, "staging", &fal.EnvironmentsCreateParams{Description: &description})
	if err != nil || !cmp.Equal(staging, got) {
		t.Errorf("created %+v, %v", got, err)
	}
	if _, err := client.Environments.Create(ctx, "staging", nil); !errors.Is(err, fal.ErrAlreadyExists) {
		t.Errorf("second create: %v", err)
	}
	want := []fal.Environment{{Name: "main", Default: true, CreatedAt: created}, staging}
	if diff := cmp.Diff(want, all(t, client.Environments.List(ctx, nil))); diff != "" {
		t.Errorf("environments (-want +got):\n%s", diff)
	}
	server.Script("ListEnvironments", faltest.Reply(`{"environments": [{"name": "dev", "description": ""}]}`))
	if listed := all(t, client.Environments.List(ctx, nil)); len(listed) != 1 || listed[0].Description == nil || *listed[0].Description != "" {
		t.Errorf("an empty description is no longer one: %+v", listed)
	}
	if err := client.Environments.Delete(ctx, "staging", nil); err != nil {
		t.Error(err)
	}
	if err := client.Environments.Delete(ctx, "staging", nil); !errors.Is(err, fal.ErrNotFound) {
		t.Errorf("second delete: %v", err)
	}
}

func TestNoEnvironmentInTheAnswer(t *testing.T) {
	server := faltest.New(t)
	server.Script("CreateEnvironment", faltest.Reply(), faltest.Reply(`{"environment": {}}`))
	ctx, client := newClient(t, server.Options())
	for range 2 {
		if _, err := client.Environments.Create(ctx, "qa", nil); asError(t, err).Code != fal.CodeInternal || asError(t, err).Method != "CreateEnvironment" {
			t.Errorf("got %v", err)
		}
	}
}
