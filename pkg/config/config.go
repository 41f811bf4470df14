package config

import (
	"fmt"
	"os"
	"strings"
)

// Inputs are the explicit parts, usually flags; "" means not given.
type Inputs struct {
	Profile     string
	Host        string // host[:port], or with a scheme, http or https
	Team        string
	Key         string // <id>:<secret>
	Environment string

	Getenv  func(string) string // nil: os.Getenv
	HomeDir string              // "": os.UserHomeDir
}

func (in Inputs) getenv(name string) string {
	if in.Getenv == nil {
		return os.Getenv(name)
	}
	return in.Getenv(name)
}

// Values of Config.URLOutput.
const (
	URLOutputAll        = "all"
	URLOutputPlayground = "playground"
	URLOutputNone       = "none"
)

// Config is the resolved configuration. It is never modified.
type Config struct {
	Path    Setting // the configuration file, which need not exist
	Profile Setting // the profile in use; "" when there is none

	Host      Endpoint // gRPC
	RESTHost  Endpoint
	RunHost   Endpoint
	QueueHost Endpoint

	Credentials Credentials
	Team        Setting // an account's nickname; "" means the credentials' own
	Environment Setting // "" means none was named, which is not the same as "main"

	LoginDir  Setting // the folder of the login's files, which need not exist
	TokenPath string  // the login's token file, which need not exist

	TestMode      bool   // ISOLATE_TEST_MODE
	AuthDisabled  bool   // ISOLATE_AUTH_DISABLED: no credentials are sent
	ForceLogin    bool   // FAL_FORCE_AUTH_BY_USER, unless a key given explicitly beat it
	CheckUpdates  bool   // check_updates of the file, true by default
	URLOutput     string // FAL_URL_OUTPUT, URLOutputAll by default
	DeployCheck   bool   // FAL_DEPLOY_CHECK
	DontOpenLinks bool   // FAL_DONT_OPEN_LINKS
	Debug         bool   // DEBUG

	// Notices are to be said on stderr, a line each: what was set and does
	// not count.
	Notices []string
}

// RESTURL returns the base of REST addresses, with scheme and without a final
// slash.
func (c *Config) RESTURL() string { return c.RESTHost.URL() }

// Resolve reads the configuration file and the environment and returns what
// they and in amount to. Errors are of type *Error.
func Resolve(in Inputs) (*Config, error) {
	r := resolver{in: in, at: Locate(in)}
	r.shown = r.at.show(r.at.Config.Value)
	cfg := &Config{
		Path:          r.at.Config,
		LoginDir:      r.at.LoginDir,
		TokenPath:     r.at.Token,
		TestMode:      truthy(in.getenv(varTestMode)),
		AuthDisabled:  truthy(in.getenv(varAuthDisabled)),
		DeployCheck:   truthy(in.getenv(varDeployCheck)),
		DontOpenLinks: truthy(in.getenv(varKeepLinks)),
		Debug:         truthy(in.getenv(varDebug)),
		CheckUpdates:  true,
		URLOutput:     URLOutputAll,
	}
	r.testMode = cfg.TestMode

	var err error
	if r.doc, err = readDocument(r.at.Config.Value, r.shown); err != nil {
		return nil, err
	}
	if r.profile, err = r.chooseProfile(); err != nil {
		return nil, err
	}
	cfg.Profile = Setting{Value: r.profile.name, Origin: r.profile.chosenBy}
	if err := r.resolveHosts(cfg); err != nil {
		return nil, err
	}
	if err := r.resolveCredentials(cfg); err != nil {
		return nil, err
	}
	if err := r.resolveTeam(cfg); err != nil {
		return nil, err
	}
	cfg.Environment = r.flagOrVariable(in.Environment, flagEnvironment, varEnvironment)
	if check, ok := r.doc.values[settingCheckUpdates].(bool); ok {
		cfg.CheckUpdates = check
	}
	r.resolveURLOutput(cfg)
	r.noticeConflicts(cfg)
	cfg.Notices = r.notices
	return cfg, nil
}

// resolver carries what the steps of Resolve share.
type resolver struct {
	in       Inputs
	at       Locations
	shown    string // the configuration file's path in messages
	testMode bool
	keptTLS  bool // test mode did not make an explicit profile's host plaintext
	doc      document
	profile  profileChoice
	notices  []string
}

func (r *resolver) notice(format string, args ...any) {
	r.notices = append(r.notices, fmt.Sprintf(format, args...))
}

func (r *resolver) flagOrVariable(given, flag, variable string) Setting {
	if given != "" {
		return Setting{Value: given, Origin: fromFlag(flag)}
	}
	if v := r.in.getenv(variable); v != "" {
		return Setting{Value: v, Origin: fromVariable(variable)}
	}
	return Setting{}
}

func (r *resolver) resolveTeam(cfg *Config) error {
	if r.in.Team != "" {
		cfg.Team = Setting{Value: r.in.Team, Origin: fromFlag(flagTeam)}
		return nil
	}
	team, err := r.doc.internal(internalTeam, r.shown)
	if err == nil && team != "" {
		cfg.Team = Setting{Value: team, Origin: r.fromFile()}
	}
	return err
}

// resolveURLOutput reads FAL_URL_OUTPUT in any case and with space around it, as
// the official client does.
func (r *resolver) resolveURLOutput(cfg *Config) {
	given := r.in.getenv(varURLOutput)
	switch v := strings.ToLower(strings.TrimSpace(given)); v {
	case "":
	case URLOutputAll, URLOutputPlayground, URLOutputNone:
		cfg.URLOutput = v
	default:
		r.notice("%s=%s is none of %s, %s, %s: %s is used", varURLOutput, printable(given),
			URLOutputAll, URLOutputPlayground, URLOutputNone, URLOutputAll)
	}
}

func (r *resolver) fromFile() Origin { return Origin{Kind: OriginFile, Path: r.shown} }
