// Package config turns files, environment variables and explicit flags into
// one resolved value that knows where each of its parts came from.
//
//	cfg, err := config.Resolve(config.Inputs{Profile: profileFlag, Team: teamFlag})
//	if err != nil {
//		return err // a *config.Error: message, hints, exit code
//	}
//	dial(cfg.Host.Address(), cfg.Host.Plaintext, cfg.Credentials)
//	log.Printf("host %s from %s", cfg.Host.Value, cfg.Host.Origin)
//
// The files are those of the official Python client: who is configured for one
// client is configured for the other. Resolve reads the configuration file at
// most once, opens no connection and changes nothing. A Config is never
// modified after Resolve returned it and may be shared between goroutines.
//
// # Precedence
//
// From the strongest:
//
//   - profile: flag, FAL_PROFILE, __internal__.profile of the file
//   - key: flag, FAL_KEY, the profile's key, FAL_KEY_ID with FAL_KEY_SECRET,
//     the login; FAL_FORCE_AUTH_BY_USER passes over the keys that no flag gave
//   - host: flag, FAL_GRPC_HOST, FAL_HOST, the profile's local_host or host,
//     [DefaultHost]
//   - team: flag, __internal__.team of the file
//   - environment: flag, FAL_ENV
//
// A profile named by the flag decides key and hosts together, before every
// variable, so that the account a command runs against never depends on what
// a shell happens to export. Variables that lose by this are named in
// [Config.Notices]. When such a profile has no key, no key from a variable
// takes its place: only the login is left. The login is not used with a
// profile's local_host, unless FAL_FORCE_AUTH_BY_USER is set.
//
// # Guarantees
//
// A key's secret appears in no error, no notice and no formatted value: see
// [Secret]. Plaintext is used for loopback addresses, and elsewhere only when
// ISOLATE_TEST_MODE is set and the host was configured; never for the built-in
// host.
//
// # Writing
//
// [Update] is the way to change the configuration file: it holds a lock from
// reading to writing, so that no update is lost between processes, and replaces
// the file atomically. Edits touch the bytes of the one value they are about;
// comments, order, unknown keys and line endings stay. Every edit is checked by
// parsing the result and comparing it with what it should mean.
package config
