package store

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

func TestEnvironmentsAndSecrets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	ctx := t.Context()
	account := Account{UserID: "local|1", Nickname: "me", CreatedAt: moment(1)}
	environment := Environment{Name: "dev", Description: "to try things", CreatedAt: moment(2)}
	secret := Secret{Environment: "dev", Name: "A", Sealed: []byte{0, 1, 0xff}, CreatedAt: moment(3), UpdatedAt: moment(3)}
	err := s.Write(ctx, func(tx *Tx) error {
		if err := tx.InsertAccount(&account); err != nil {
			return err
		}
		environment.Account, secret.Account = account.ID, account.ID
		if err := tx.InsertEnvironment(&environment); err != nil {
			return err
		}
		return tx.InsertSecret(&secret)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(ctx, func(tx *Tx) error { again := environment; return tx.InsertEnvironment(&again) }); err == nil {
		t.Error("two environments have one name")
	}
	if err := s.Write(ctx, func(tx *Tx) error { again := secret; return tx.InsertSecret(&again) }); err == nil {
		t.Error("two secrets have one name")
	}
	check := func(want Secret) {
		t.Helper()
		secrets, err := s.Secrets(ctx)
		if err != nil || len(secrets) != 1 {
			t.Fatalf("secrets %+v, %v", secrets, err)
		}
		got := secrets[0]
		if (got.DefaultExposed == nil) != (want.DefaultExposed == nil) || got.DefaultExposed != nil && *got.DefaultExposed != *want.DefaultExposed {
			t.Errorf("default_exposed is %v, want %v", got.DefaultExposed, want.DefaultExposed)
		}
		if got.ID != want.ID || got.Account != want.Account || got.Environment != want.Environment || got.Name != want.Name ||
			!bytes.Equal(got.Sealed, want.Sealed) || got.CreatedAt != want.CreatedAt || got.UpdatedAt != want.UpdatedAt {
			t.Errorf("secret %+v, want %+v", got, want)
		}
	}
	check(secret)
	for _, exposed := range []*bool{new(true), new(false), nil} {
		changed := secret
		changed.Sealed, changed.DefaultExposed, changed.UpdatedAt = []byte("other"), exposed, moment(4)
		changed.CreatedAt = time.Now() // which does not change
		if err := s.Write(ctx, func(tx *Tx) error { return tx.UpdateSecret(&changed) }); err != nil {
			t.Fatal(err)
		}
		changed.CreatedAt = secret.CreatedAt
		check(changed)
	}
	if has, err := s.HasSecrets(ctx); err != nil || !has {
		t.Errorf("has secrets: %t, %v", has, err)
	}
	environments, err := s.Environments(ctx)
	if err != nil || len(environments) != 1 || environments[0] != environment {
		t.Errorf("environments %+v, %v", environments, err)
	}

	err = s.Write(ctx, func(tx *Tx) error {
		return errors.Join(tx.DeleteSecret(secret.ID), tx.DeleteEnvironment(environment.ID))
	})
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(tx *Tx) error{
		"update secret":      func(tx *Tx) error { return tx.UpdateSecret(&secret) },
		"delete secret":      func(tx *Tx) error { return tx.DeleteSecret(secret.ID) },
		"delete environment": func(tx *Tx) error { return tx.DeleteEnvironment(environment.ID) },
	} {
		if err := s.Write(ctx, change); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s that is not there: %v", what, err)
		}
	}
	if has, err := s.HasSecrets(ctx); err != nil || has {
		t.Errorf("has secrets: %t, %v", has, err)
	}
	if environments, err := s.Environments(ctx); err != nil || len(environments) != 0 {
		t.Errorf("environments %+v, %v", environments, err)
	}
}
